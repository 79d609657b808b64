/**
 * Stands for the etcd server beneath a Kubernetes control plane: keys and values with revisions, history, watches and leases, the
 * only state that the rooms share. Every client of etcd v3 finds its wire API here, and LevelDB instead of raft and bbolt below it.
 * Steps 2, 6, 10 and 14 of the article end here, and from here the watches start that set off steps 3 and 11.
 */
import type { Clock } from "../base/clock.js";
import { ReadCounter } from "../base/metric.js";
import type { Logger } from "../base/log.js";
import { startRpcServer } from "../rpc/server.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { Admission } from "./admission.js";
import { Alarms } from "./alarms.js";
import { CheckpointFile } from "./checkpoint-file.js";
import { LevelTable } from "./level-table.js";
import { Lessor } from "./lessor.js";
import { Member } from "./member.js";
import { admitted } from "./services/admitted.js";
import { clusterService } from "./services/cluster.js";
import { answerHttp } from "./services/http.js";
import { kvService } from "./services/kv.js";
import { leaseService } from "./services/lease.js";
import { maintenanceService } from "./services/maintenance.js";
import { MAX_MESSAGE_BYTES } from "./services/request-size.js";
import type { Room } from "./services/room.js";
import { unimplementedServices } from "./services/unimplemented.js";
import { watchService } from "./services/watch.js";
import { SpaceQuota } from "./space-quota.js";
import { Store } from "./store.js";
import type { Table } from "./table.js";
import { WatchHub } from "./watch-hub.js";

export { DataDirectoryError } from "./errors.js";
export { importEtcd, type Imported } from "./import.js";
export { MemoryTable } from "./memory-table.js";

/** What an etcd server needs. */
export interface EtcdOptions {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string;
  /** Directory of the database, made if absent; or a table, for tests without a disk. */
  readonly dataDir: string | Table;
  /** Monotonic: leases and progress notices run on it. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the member; `default` when absent. */
  readonly name?: string;
  readonly tls?: TlsMaterial | undefined;
  /** Size of the database beyond which writes are refused (--quota-backend-bytes); 2 GiB when absent or 0, none below 0. */
  readonly quotaBackendBytes?: number | undefined;
  /** Time between two progress notices of a silent watch (etcd --watch-progress-notify-interval); 10 minutes when absent. */
  readonly progressIntervalMs?: number;
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

    const member = await Member.open(table, options.name ?? "default");
    const checkpoints = typeof options.dataDir === "string" ? new CheckpointFile(options.dataDir) : undefined;
    const store = await Store.open(table, { onFailure, checkpoints, log });
    open.push(store);
    const lessor = await Lessor.open(store, clock, log);
    open.push(lessor);
    const hub = new WatchHub(store);
    open.push(hub);

    const alarms = await Alarms.open(store);
    const admission = new Admission(alarms, await SpaceQuota.open(table, options.quotaBackendBytes ?? 0), member.id);

    const clientUrls: string[] = [];
    const room: Room = { member, store, lessor, hub, alarms, clock, progressIntervalMs: options.progressIntervalMs ?? DEFAULT_PROGRESS_INTERVAL_MS, clientUrls: () => clientUrls };
    const server = await startRpcServer({
      listen: options.listen,
      room: "etcd",
      log,
      tls: options.tls,
      maxReceiveBytes: MAX_MESSAGE_BYTES,
      http: answerHttp,
      metrics: [
        new ReadCounter({ name: "spheresim_etcd_disk_commits_total", help: "Synced writes to the database." }, () => store.counters.diskCommits),
        new ReadCounter({ name: "spheresim_etcd_durable_txns_total", help: "Store calls that changed something; several can share a synced write." }, () => store.counters.txns),
      ],
      services: [admitted(kvService(room), admission), watchService(room), admitted(leaseService(room), admission), clusterService(room), maintenanceService(room), ...unimplementedServices()],
    });
    open.push(server);
    clientUrls.push(`${options.tls === undefined ? "http" : "https"}://${server.address}`);
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
