import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { getCiphers } from "node:tls";
import { fileProblem, UserError } from "../base/user-error.js";
import type { Retention } from "../etcd/index.js";
import { AddressError } from "../rpc/address.js";
import { CertificateAuthority, revokedSerials, serverAddresses, serverNames } from "../rpc/certificates.js";
import { type ListenUrl, parseListenUrl } from "../rpc/listen-url.js";
import type { LogLevel } from "../rpc/log.js";
import type { ServerTls } from "../rpc/tls.js";
import { durationMs, type EtcdValues } from "./etcd-command-line.js";
import { etcdFlags, ignoredBecause } from "./etcd-flags.js";

/** What etcd's flags come to. */
export interface EtcdSettings {
  readonly name: string;
  /** Directory that was named; the database lies in `member` below it, where etcd's lies. */
  readonly dataDir: string;
  readonly listen: readonly ListenUrl[];
  readonly metricsListen: readonly ListenUrl[];
  readonly advertiseClientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  readonly autoCompaction: Retention | undefined;
  readonly logLevel: LogLevel;
  /** Shortest time to live of a lease: a new leader needs one and a half election timeouts until leases run on. */
  readonly minLeaseTtlSeconds: number;
  /** Names of flags that were given and have no effect here. */
  readonly ignored: readonly string[];
  /** Keys of the configuration file that are no flags. */
  readonly unknown: readonly string[];
  /** Configuration file that was read. */
  readonly configFile: string | undefined;
}

/** Reads what the values mean; throws UserError (usage), in etcd's words where it has some. */
export function etcdSettings(values: EtcdValues): EtcdSettings {
  const name = values.get("name") ?? "default";
  if (values.has("listen-client-urls") && !values.has("advertise-client-urls") && !values.has("config-file")) throw refusal("--advertise-client-urls is required when --listen-client-urls is set explicitly");
  const settings: EtcdSettings = {
    name,
    dataDir: resolve(values.get("data-dir") ?? `${name}.etcd`),
    listen: urls(values, "listen-client-urls", "http://localhost:2379"),
    metricsListen: urls(values, "listen-metrics-urls"),
    advertiseClientUrls: list(values.get("advertise-client-urls") ?? "http://localhost:2379"),
    peerUrls: list(values.get("initial-advertise-peer-urls") ?? "http://localhost:2380"),
    autoCompaction: retention(values.get("auto-compaction-mode") ?? "periodic", values.get("auto-compaction-retention") ?? "0"),
    logLevel: logLevel(values.get("log-level") ?? "info"),
    minLeaseTtlSeconds: minLeaseTtl(Number(values.get("heartbeat-interval") ?? 100), Number(values.get("election-timeout") ?? 1000)),
    ignored: [...values.keys()].filter((flag) => ignoredBecause(flag) !== undefined),
    unknown: [...values.keys()].filter((flag) => !etcdFlags.has(flag)),
    configFile: values.get("config-file"),
  };
  requireOneMember(values);
  if (settings.listen.some(({ secure }) => secure) && !values.has("cert-file") && values.get("auto-tls") !== "true") {
    throw refusal(`TLS key/cert (--cert-file, --key-file) must be provided for client url ${list(values.get("listen-client-urls") ?? "").find((url) => /^(?:https|unixs):/.test(url)) ?? ""} with HTTPS scheme`);
  }
  return settings;
}

/** A list as etcd writes it, with commas between, without what is there twice. */
export function list(text: string): string[] {
  return [...new Set(text.split(",").map((part) => part.trim()))].filter((part) => part !== "");
}

function urls(values: EtcdValues, flag: string, otherwise = ""): ListenUrl[] {
  try {
    return list(values.get(flag) ?? otherwise).map(parseListenUrl);
  } catch (error) {
    if (error instanceof AddressError) throw refusal(`invalid value "${values.get(flag)}" for flag -${flag}: ${error.message}`);
    throw error;
  }
}

/** A cluster of several members would wait for the others for ever. */
function requireOneMember(values: EtcdValues): void {
  const members = list(values.get("initial-cluster") ?? "").map((member) => member.split("=", 1)[0]);
  if (new Set(members).size > 1) throw refusal(`--initial-cluster names ${new Set(members).size} members (${[...new Set(members)].join(", ")}): this server is a cluster of one member`);
  const state = values.get("initial-cluster-state") ?? "new";
  if (state !== "new") throw refusal(`--initial-cluster-state=${state} is not supported: this server cannot join another cluster`);
}

function retention(mode: string, text: string): Retention | undefined {
  if (mode !== "periodic" && mode !== "revision") throw refusal(`unknown auto-compaction-mode "${mode}"`);
  if (!/^(?:\d+|(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/.test(text)) throw refusal(`error parsing CompactionRetention: time: invalid duration "${text}"`);
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  if (mode === "revision") {
    if (number === undefined) throw refusal(`--auto-compaction-retention=${text} must be a number of revisions`);
    return number === 0 ? undefined : { mode, retentionRevisions: number };
  }
  const retentionMs = number === undefined ? durationMs(text) : number * durationMs("1h");
  return retentionMs === 0 ? undefined : { mode, retentionMs };
}

/** As etcd counts it, in whole heartbeats. Example: 100 ms and 1,000 ms are 15 heartbeats, so 2 s. */
function minLeaseTtl(heartbeatMs: number, electionMs: number): number {
  if (heartbeatMs === 0) throw refusal("--heartbeat-interval must be >0 (set to 0ms)");
  if (electionMs === 0) throw refusal("--election-timeout must be >0 (set to 0ms)");
  if (5 * heartbeatMs > electionMs) throw refusal(`--election-timeout[${electionMs}ms] should be at least as 5 times as --heartbeat-interval[${heartbeatMs}ms]`);
  if (electionMs > LONGEST_ELECTION_MS) throw refusal(`--election-timeout[${electionMs}ms] is too long, and should be set less than ${LONGEST_ELECTION_MS}ms`);
  return Math.ceil((Math.floor((3 * Math.floor(electionMs / heartbeatMs)) / 2) * heartbeatMs) / 1000);
}

const LONGEST_ELECTION_MS = 50_000;

function logLevel(text: string): LogLevel {
  if (text === "debug" || text === "info" || text === "warn" || text === "error") return text;
  // zap's worse ones: nothing here speaks at them.
  if (["dpanic", "panic", "fatal"].includes(text)) return "silent";
  throw refusal(`unrecognized level: "${text}"`);
}

/** The certificates the flags name, or own ones with --auto-tls; undefined where no URL is secure and none are named. */
export async function etcdTls(values: EtcdValues, settings: EtcdSettings): Promise<ServerTls | undefined> {
  const common = {
    clientCertAuth: values.get("client-cert-auth") === "true",
    clientNames: list(values.get("client-cert-allowed-hostname") ?? ""),
    ciphers: cipherSuites(list(values.get("cipher-suites") ?? "")),
    minVersion: tlsVersion(values, "tls-min-version") ?? "TLSv1.2",
    maxVersion: tlsVersion(values, "tls-max-version"),
    caPem: pem(values, "trusted-ca-file"),
    revokedSerials: revoked(values),
  } as const;
  const [certPem, keyPem] = [pem(values, "cert-file"), pem(values, "key-file")];
  if (certPem !== undefined || keyPem !== undefined) {
    if (certPem === undefined || keyPem === undefined) throw refusal("--cert-file and --key-file must both be given");
    return { ...common, certPem, keyPem };
  }
  if (values.get("auto-tls") !== "true") return undefined;
  const authority = await CertificateAuthority.open(join(settings.dataDir, "fixtures"));
  const hosts = settings.listen.flatMap(({ host }) => (host === "" || host === "0.0.0.0" || host === "::" ? [] : [host]));
  const own = await authority.stored("client", { commonName: "etcd", dnsNames: serverNames, ipAddresses: [...new Set([...serverAddresses, ...hosts])], usages: ["server"] });
  return { ...common, caPem: common.caPem ?? own.caPem, certPem: own.certPem, keyPem: own.keyPem };
}

function pem(values: EtcdValues, flag: string): string | undefined {
  const file = values.get(flag);
  if (file === undefined || file === "") return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw refusal(`cannot read --${flag} ${file}: ${fileProblem(error)}`);
  }
}

function revoked(values: EtcdValues): ReadonlySet<string> | undefined {
  const file = values.get("client-crl-file");
  if (file === undefined || file === "") return undefined;
  try {
    return revokedSerials(readFileSync(file));
  } catch (error) {
    throw refusal(`cannot read --client-crl-file ${file}: ${fileProblem(error)}`);
  }
}

function tlsVersion(values: EtcdValues, flag: string): "TLSv1.2" | "TLSv1.3" | undefined {
  const text = values.get(flag) ?? "";
  if (text === "") return undefined;
  if (text === "TLS1.2" || text === "TLS1.3") return `TLSv${text.slice(3)}` as "TLSv1.2" | "TLSv1.3";
  throw refusal(`unexpected TLS version "${text}"`);
}

/** Go's names of cipher suites as OpenSSL has them: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256. */
function cipherSuites(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  const suites = names.map((name) => {
    const suite = name.startsWith("TLS_AES") || name.startsWith("TLS_CHACHA20") ? name : openSslName(name);
    if (!known.has(suite.toUpperCase())) throw refusal(`unexpected TLS cipher suite "${name}"`);
    return suite;
  });
  return suites.join(":");
}

function openSslName(name: string): string {
  return name
    .replace(/^TLS_/, "")
    .replace(/^RSA_WITH_/, "")
    .replace("_WITH_", "_")
    .replace(/AES_(128|256)_CBC/, "AES$1")
    .replace(/AES_(128|256)/, "AES$1")
    .replace(/CHACHA20_POLY1305(?:_SHA256)?/, "CHACHA20_POLY1305")
    .replace("3DES_EDE_CBC", "DES_CBC3")
    .replaceAll("_", "-");
}

function refusal(message: string): UserError {
  return new UserError("usage", `etcd: ${message}`);
}
