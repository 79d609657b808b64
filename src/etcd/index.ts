/**
 * Stands for the etcd server beneath a Kubernetes control plane: keys and values with revisions, history, watches and leases, the
 * only state that the rooms share. Every client of etcd v3 finds its wire API here, and LevelDB instead of raft and bbolt below it.
 * Steps 2, 6, 10 and 14 of the article end here, and from here the watches start that set off steps 3 and 11.
 */
import type { Clock } from "../base/clock.js";
import { ReadCounter } from "../base/metric.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { startRpcServer } from "../rpc/server.js";
import type { ListenUrl } from "../rpc/listen-url.js";
import { processMetrics } from "../rpc/process-metrics.js";
import type { ServerTls } from "../rpc/tls.js";
import { Admission } from "./kv/admission.js";
import { Alarms } from "./member/alarms.js";
import { type AuthOptions, AuthStore } from "./auth/auth-store.js";
import { AutoCompaction, type Retention } from "./storage/auto-compaction.js";
import { CheckpointFile } from "./storage/checkpoint-file.js";
import { LevelTable } from "./storage/level-table.js";
import { Downgrade } from "./member/downgrade.js";
import { Lessor } from "./lease/lessor.js";
import { LongReads } from "./kv/long-reads.js";
import { Member } from "./member/member.js";
import { authService } from "./services/auth.js";
import { clusterService } from "./services/cluster.js";
import { electionService } from "./services/election.js";
import { Gate } from "./services/gate.js";
import { gatewayRoutes } from "./services/gateway-routes.js";
import { CLUSTER_RULES, guarded, MAINTENANCE_RULES } from "./services/guarded.js";
import { accessControl, type HttpAccess, httpPaths } from "./services/http.js";
import { kvService } from "./services/kv.js";
import { leaseService } from "./services/lease.js";
import { lockService } from "./services/lock.js";
import { maintenanceService } from "./services/maintenance.js";
import { EtcdMetrics } from "./services/metrics.js";
import { DEFAULT_MAX_REQUEST_BYTES, MESSAGE_OVERHEAD_BYTES } from "./services/request-size.js";
import type { Room } from "./services/room.js";
import { watchService } from "./services/watch.js";
import { DEFAULT_MAX_TXN_OPS } from "./kv/request-rules.js";
import { SpaceQuota } from "./storage/space-quota.js";
import { Store } from "./kv/store.js";
import type { Table } from "./storage/table.js";
import { WatchHub } from "./watch/watch-hub.js";

export { DataDirectoryError } from "./errors.js";
export type { AuthOptions } from "./auth/auth-store.js";
export { isJwtMethod, jwtKey, JwtKeyError } from "./auth/jwt-key.js";
export type { Retention } from "./storage/auto-compaction.js";
export { importEtcd, type Imported, removeImportDrafts } from "./import/import.js";
export { databaseDirectory } from "./member/member-directory.js";
export { MemoryTable } from "./storage/memory-table.js";
export { ETCD_VERSION } from "./member/etcd-version.js";

/** What an etcd server needs. */
export interface EtcdOptions {
  /** `host:port`; port 0 lets the system choose. Or etcd's URLs (--listen-client-urls). */
  readonly listen: string | readonly ListenUrl[];
  /** Where `/metrics` and `/health` are answered and nothing else (--listen-metrics-urls). */
  readonly metricsListen?: readonly ListenUrl[];
  /** Directory of the database, made if absent; or a table, for tests without a disk. */
  readonly dataDir: string | Table;
  /** Monotonic: leases and progress notices run on it. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the member; `default` when absent. */
  readonly name?: string;
  readonly tls?: ServerTls | undefined;
  /** Whether a client certificate's common name is a user where a call brings no token (etcd --client-cert-auth); no when absent. */
  readonly clientCertAuth?: boolean;
  readonly auth?: AuthOptions;
  /** Size of the database beyond which writes are refused (--quota-backend-bytes); 2 GiB when absent or 0, none below 0. */
  readonly quotaBackendBytes?: number | undefined;
  /** Where clients are told to find this member (--advertise-client-urls); the address it listens on when absent. */
  readonly advertiseClientUrls?: readonly string[];
  /** Told to clients, of no effect: there are no peers (--initial-advertise-peer-urls). */
  readonly peerUrls?: readonly string[];
  /** Of it and the peer URLs the ids of a new directory are computed, as etcd's (--initial-cluster-token); they are drawn when absent. */
  readonly clusterToken?: string;
  /** The JSON gateway (--enable-grpc-gateway); on when absent. */
  readonly gateway?: boolean;
  readonly httpAccess?: HttpAccess;
  /** History that is forgotten by itself; all is kept when absent. */
  readonly autoCompaction?: Retention | undefined;
  /** 128 when absent. */
  readonly maxTxnOps?: number | undefined;
  /** 1.5 MiB when absent. */
  readonly maxRequestBytes?: number | undefined;
  /** Calls of one connection that may run at a time; 10,000 when absent. */
  readonly maxConcurrentStreams?: number | undefined;
  /** Shortest time to live of a lease (1.5 times etcd --election-timeout); 2 s when absent. */
  readonly minLeaseTtlSeconds?: number | undefined;
  /** Silence after which a client is asked for a sign of life, and how long it has for one (--grpc-keepalive-interval, -timeout). */
  readonly pingIntervalMs?: number | undefined;
  readonly pingTimeoutMs?: number | undefined;
  /** Time between two progress notices of a silent watch (etcd --watch-progress-notify-interval); 10 minutes when absent. */
  readonly progressIntervalMs?: number;
  /** Spreads the progress notices of different streams over a tenth of that time; they are not spread when absent. */
  readonly dice?: Dice;
  /** Called once when the disk failed; the server is closing by then, because its memory may be ahead of the disk. */
  readonly onFailure?: (error: Error) => void;
}

/** A running etcd server. */
export interface Etcd {
  /** `host:port` to connect to. */
  readonly address: string;
  readonly port: number;
  /** Newest visible revision. */
  readonly revision: number;
  close(): Promise<void>;
}

const DEFAULT_PROGRESS_INTERVAL_MS = 10 * 60 * 1000;

/** Opens the database and serves it. Throws DataDirectoryError or AddressError with one line for a user. */
export async function startEtcd(options: EtcdOptions): Promise<Etcd> {
  const { log, clock } = options;
  const table = typeof options.dataDir === "string" ? await LevelTable.open(options.dataDir) : options.dataDir;
  const open: { close(): Promise<void> | void }[] = [table];
  const closeAll = async (): Promise<void> => {
    for (const part of open.splice(0).reverse()) await part.close();
  };
  try {
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= closeAll());
    const onFailure = (error: Error): void => {
      log.error({ err: error }, "the etcd database failed; the server stops");
      options.onFailure?.(error);
      close().catch((closeError: unknown) => log.error({ err: closeError }, "the etcd database could not be closed"));
    };

    const metrics = new EtcdMetrics();
    const member = await Member.open(table, { name: options.name ?? "default", peerUrls: options.peerUrls ?? [], clusterToken: options.clusterToken });
    const checkpoints = typeof options.dataDir === "string" ? new CheckpointFile(options.dataDir) : undefined;
    const store = await Store.open(table, { onFailure, onSync: metrics.synced, checkpoints, log });
    open.push(store);
    const lessor = await Lessor.open(store, clock, log, options.minLeaseTtlSeconds);
    open.push(lessor);
    const hub = new WatchHub(store);
    open.push(hub);
    const auth = await AuthStore.open(store, clock, options.auth);
    open.push(auth);
    const gate = new Gate(auth, options.clientCertAuth ?? false);

    if (options.autoCompaction !== undefined) open.push(new AutoCompaction(store, clock, log, options.autoCompaction));

    const alarms = await Alarms.open(store);
    const downgrade = Downgrade.open(store, log);
    const quota = await SpaceQuota.open(table, options.quotaBackendBytes ?? 0);
    const admission = new Admission(alarms, quota, member.id);

    const clientUrls = [...(options.advertiseClientUrls ?? [])];
    const room: Room = {
      member,
      store,
      longReads: new LongReads(),
      lessor,
      hub,
      alarms,
      downgrade,
      admission,
      auth,
      gate,
      clock,
      progressIntervalMs: options.progressIntervalMs ?? DEFAULT_PROGRESS_INTERVAL_MS,
      dice: options.dice,
      watchStreams: new Set(),
      maxTxnOps: options.maxTxnOps ?? DEFAULT_MAX_TXN_OPS,
      maxRequestBytes: options.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES,
      raftIndex: () => BigInt(store.proposals) + member.term,
      clientUrls: () => clientUrls,
    };
    open.push({ close: metrics.follow(room) });
    const access = accessControl(options.httpAccess ?? { corsOrigins: [], hostWhitelist: [] });
    const server = await startRpcServer({
      listen: options.listen,
      metricsListen: options.metricsListen,
      room: "etcd",
      log,
      tls: options.tls,
      maxReceiveBytes: room.maxRequestBytes + MESSAGE_OVERHEAD_BYTES,
      maxConcurrentStreams: options.maxConcurrentStreams,
      pingIntervalMs: options.pingIntervalMs,
      pingTimeoutMs: options.pingTimeoutMs,
      http: httpPaths(room, metrics),
      aroundHttp: (inner) => access(metrics.refreshing(room, inner)),
      // As etcd's, this place asks nobody by which name it was found.
      aroundMetricsHttp: (inner) => metrics.refreshing(room, inner),
      gateway: options.gateway === false ? undefined : gatewayRoutes,
      healthNames: [],
      metrics: [
        ...metrics.page(room, quota.limitBytes),
        ...processMetrics(),
        new ReadCounter({ name: "spheresim_etcd_disk_commits_total", help: "Synced writes to the database." }, () => store.counters.diskCommits),
        new ReadCounter({ name: "spheresim_etcd_durable_txns_total", help: "Store calls that changed something; several can share a synced write." }, () => store.counters.txns),
      ],
      services: metrics.metered([
        kvService(room),
        watchService(room),
        leaseService(room),
        guarded(clusterService(room), CLUSTER_RULES, gate),
        guarded(maintenanceService(room), MAINTENANCE_RULES, gate),
        authService(room),
        lockService(room),
        electionService(room),
      ]),
    });
    open.push(server);
    if (clientUrls.length === 0) clientUrls.push(`${options.tls === undefined ? "http" : "https"}://${server.address}`);
    log.info({ address: server.address, revision: store.revision }, "etcd serves");
    return {
      address: server.address,
      port: server.port,
      get revision() {
        return store.revision;
      },
      close,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
