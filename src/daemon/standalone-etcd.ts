import { join } from "node:path";
import { monotonicClock } from "../base/clock.js";
import { makeDirectory } from "../base/directory.js";
import { secretHex } from "../base/ids.js";
import { Dice } from "../base/seeded-random.js";
import { fileProblem, UserError } from "../base/user-error.js";
import { version } from "../base/version.js";
import { type AuthOptions, databaseDirectory, ETCD_VERSION, removeImportDrafts, startEtcd } from "../etcd/index.js";
import { formatListenUrl, type ListenUrl } from "../rpc/listen-url.js";
import { zapLogger } from "../rpc/zap-log.js";
import { authToken } from "./etcd-auth-token.js";
import { durationMs, type EtcdValues } from "./etcd-command-line.js";
import { etcdFlags, ignoredBecause } from "./etcd-flags.js";
import { etcdSettings, etcdTls, list } from "./etcd-settings.js";

/** What `etcd --version` prints. */
export function etcdVersionText(): string {
  return `etcd Version: ${ETCD_VERSION}\nGit SHA: spheresim ${version}\nGo Version: none, Node ${process.version}\nGo OS/Arch: ${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}\n`;
}

/** What `etcd --help` prints: every flag, and which of them do nothing here. */
export function etcdHelpText(): string {
  const names = (wanted: (name: string) => boolean): string => [...etcdFlags.keys()].filter(wanted).map((name) => `  --${name}\n`).join("");
  const fate = (name: string) => etcdFlags.get(name)?.fate;
  return [
    "Usage:\n  etcd [flags]\n    Start an etcd server: spheresim's, a cluster of one member.\n",
    `Flags, as in etcd ${ETCD_VERSION}, also by environment (--data-dir: ETCD_DATA_DIR):\n${names((name) => fate(name) === "used")}`,
    `Taken, and logged with the reason why they have no effect:\n${names((name) => ignoredBecause(name) !== undefined)}`,
    `Refused, unless given the value that asks for nothing:\n${names((name) => fate(name) !== "used" && ignoredBecause(name) === undefined)}`,
  ].join("\n");
}

/** An etcd that runs by etcd's own flags. */
export interface StandaloneEtcd {
  close(): Promise<void>;
}

/**
 * Starts etcd as its own command line asks and logs what etcd logs, its ready lines included. `failed` is called when the disk fails.
 * Throws UserError.
 */
export async function startStandaloneEtcd(values: EtcdValues, failed: () => void): Promise<StandaloneEtcd> {
  const settings = etcdSettings(values);
  const log = zapLogger(settings.logLevel);
  log.info({ name: settings.name, "data-dir": settings.dataDir, "etcd-version": ETCD_VERSION, "server-version": `spheresim ${version}` }, "starting an etcd server");
  if (settings.configFile !== undefined) log.info({ path: settings.configFile }, "loaded server configuration, other configuration command line flags and environment variables will be ignored if provided");
  for (const key of settings.unknown) log.warn({ key }, "passing over a key of the configuration file that etcd 3.5 does not know");
  for (const flag of settings.ignored) log.warn({ flag: `--${flag}`, reason: ignoredBecause(flag) }, "ignoring a flag that has no effect here");
  makeDataDirectory(settings.dataDir);
  const tls = await etcdTls(values, settings);
  const count = (flag: string): number | undefined => (values.has(flag) ? Number(values.get(flag)) : undefined);
  const pingMs = (flag: string): number | undefined => (values.has(flag) ? durationMs(values.get(flag) ?? "") : undefined);
  const progress = values.get("experimental-watch-progress-notify-interval") ?? values.get("watch-progress-notify-interval");
  const dataDir = await databaseDirectory(join(settings.dataDir, "member"), log).catch(cannotStart);
  const etcd = await startEtcd({
    listen: settings.listen,
    metricsListen: settings.metricsListen,
    dataDir,
    clock: monotonicClock(),
    dice: new Dice(secretHex(8)),
    log,
    name: settings.name,
    tls,
    advertiseClientUrls: settings.advertiseClientUrls,
    peerUrls: settings.peerUrls,
    clusterToken: values.get("initial-cluster-token") ?? "etcd-cluster",
    gateway: values.get("enable-grpc-gateway") !== "false",
    httpAccess: { corsOrigins: list(values.get("cors") ?? "*"), hostWhitelist: list(values.get("host-whitelist") ?? "*") },
    autoCompaction: settings.autoCompaction,
    clientCertAuth: values.get("client-cert-auth") === "true",
    auth: authOptions(values, log),
    quotaBackendBytes: count("quota-backend-bytes"),
    maxTxnOps: count("max-txn-ops"),
    maxRequestBytes: count("max-request-bytes"),
    maxConcurrentStreams: count("max-concurrent-streams"),
    minLeaseTtlSeconds: settings.minLeaseTtlSeconds,
    pingIntervalMs: pingMs("grpc-keepalive-interval"),
    pingTimeoutMs: pingMs("grpc-keepalive-timeout"),
    ...(progress === undefined ? {} : { progressIntervalMs: Math.max(SHORTEST_PROGRESS_MS, durationMs(progress)) }),
    onFailure: failed,
  }).catch(cannotStart);
  await removeImportDrafts(dataDir);
  // Programs that start etcd wait for one of these: the first two are 3.4's, the third is what 3.5 says.
  log.info({ "cluster-version": ETCD_VERSION.replace(/\.\d+$/, "") }, `enabled capabilities for version ${ETCD_VERSION.replace(/\.\d+$/, "")}`);
  log.info({ "local-member-attributes": { Name: settings.name, ClientURLs: settings.advertiseClientUrls } }, "published local member to cluster through raft");
  log.info({}, "ready to serve client requests");
  for (const url of settings.listen) sayServing(log, url);
  for (const url of settings.metricsListen) log.info({ address: formatListenUrl(url) }, "serving metrics");
  return etcd;
}

function cannotStart(error: unknown): never {
  throw error instanceof UserError ? error : new UserError("cannot-start", `etcd: ${(error as Error).message}`);
}

/** etcd's shortest time between two progress notices. */
const SHORTEST_PROGRESS_MS = 100;
/** Costs bcrypt takes. */
const CHEAPEST_BCRYPT = 4;
const DEAREST_BCRYPT = 31;

function sayServing(log: ReturnType<typeof zapLogger>, url: ListenUrl): void {
  const address = url.path ?? formatListenUrl(url).replace(/^https?:\/\//, "");
  if (url.secure) log.info({ traffic: "grpc+http", address }, "serving client traffic securely");
  else log.info({ traffic: "grpc+http", address }, "serving client traffic insecurely; this is strongly discouraged!");
}

function makeDataDirectory(directory: string): void {
  try {
    makeDirectory(directory, 0o700);
  } catch (error) {
    throw new UserError("cannot-start", `etcd: cannot use --data-dir ${directory}: ${fileProblem(error)}`);
  }
}

/** Users, passwords and tokens as etcd's flags have them: a cost it cannot use is replaced by its own. */
function authOptions(values: EtcdValues, log: ReturnType<typeof zapLogger>): AuthOptions {
  const { tokens, unknown } = authToken(values.get("auth-token") ?? "simple");
  if (unknown.length > 0) log.warn({ keys: unknown }, "unknown JWT options");
  const cost = values.has("bcrypt-cost") ? Number(values.get("bcrypt-cost")) : undefined;
  const usable = cost === undefined || (cost >= CHEAPEST_BCRYPT && cost <= DEAREST_BCRYPT);
  if (!usable) log.warn({ "given-cost": cost }, "use default bcrypt cost instead of the invalid given cost");
  const ttlSeconds = Number(values.get("auth-token-ttl") ?? 0);
  return { tokens, tokenTtlMs: ttlSeconds === 0 ? undefined : ttlSeconds * 1000, bcryptCost: usable ? cost : undefined };
}
