import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Counter, Histogram, type Metric, type MetricName, ReadCounter, ReadGauge } from "../../base/metric.js";
import type { LeaseGrantResponse, RangeResponse, TxnResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { HttpHandler } from "../../rpc/listener.js";
import type { ServedService } from "../../rpc/server.js";
import type { AnyHandler, MethodShape } from "../../rpc/service.js";
import type { Change } from "../watch/change.js";
import { ETCD_VERSION } from "../member/etcd-version.js";
import type { Room } from "./room.js";

/** etcd's bounds of disk latencies: 1 ms, doubled 13 times. */
const SYNC_BOUNDS_SECONDS = Array.from({ length: 14 }, (_, index) => 2 ** index / 1000);

const DB_SIZE = "Total size of the underlying database physically allocated in bytes.";

/**
 * etcd's own metrics, under its names, for the dashboards and alerts that people have. Those of parts that do not exist here (raft peers,
 * bbolt's commits and pages, the v2 store, Go's runtime) are left out rather than made up.
 */
export class EtcdMetrics {
  readonly #syncs = new Histogram({ name: "etcd_disk_wal_fsync_duration_seconds", help: "The latency distributions of fsync called by WAL." }, SYNC_BOUNDS_SECONDS);
  readonly #puts = count("etcd_mvcc_put_total", "Total number of puts seen by this member.");
  readonly #deletes = count("etcd_mvcc_delete_total", "Total number of deletes seen by this member.");
  readonly #ranges = count("etcd_mvcc_range_total", "Total number of ranges seen by this member.");
  readonly #txns = count("etcd_mvcc_txn_total", "Total number of txns seen by this member.");
  readonly #putBytes = count("etcd_debugging_mvcc_total_put_size_in_bytes", "The total size of put kv pairs seen by this member.");
  readonly #granted = count("etcd_debugging_lease_granted_total", "The total number of granted leases.");
  readonly #revoked = count("etcd_debugging_lease_revoked_total", "The total number of revoked leases.");
  readonly #receivedBytes = count("etcd_network_client_grpc_received_bytes_total", "The total number of bytes received from grpc clients.");
  readonly #sentBytes = count("etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to grpc clients.");
  readonly #healthy = count("etcd_server_health_success", "The total number of successful health checks");
  readonly #unhealthy = count("etcd_server_health_failures", "The total number of failed health checks");
  readonly #checks = new Counter({ name: "etcd_server_healthchecks_total", help: "The total number of each kind of healthcheck." }, ["type", "name", "status"]);
  readonly #checkResults = new Map<string, { readonly labels: { readonly type: string; readonly name: string }; value: number }>();
  #dbBytes = 0;
  #keys = 0;

  /** A synced write of the database took so long. */
  readonly synced = (seconds: number): void => this.#syncs.observe(seconds);

  /** How `/health` was answered. */
  health(well: boolean): void {
    (well ? this.#healthy : this.#unhealthy).cell.add();
  }

  /** How one check of `/livez` or `/readyz` went. */
  healthCheck(type: string, name: string, well: boolean): void {
    this.#checks.count(type, name, well ? "success" : "error");
    this.#checkResults.set(`${type}/${name}`, { labels: { type, name }, value: well ? 1 : 0 });
  }

  /** Counts what becomes visible in the room's store. Returns how to stop. */
  follow({ store }: Room): () => void {
    this.#keys = store.countKeys();
    return store.subscribe(({ changes }) => {
      for (const change of changes) {
        (change.tombstone ? this.#deletes : this.#puts).cell.add();
        if (change.tombstone) this.#keys -= 1;
        else {
          this.#putBytes.cell.add(change.row.length);
          if (createdBy(change)) this.#keys += 1;
        }
      }
    });
  }

  /** The services with their messages counted. */
  metered(services: readonly ServedService[]): ServedService[] {
    return services.map(({ definition, handlers }) => ({
      definition: Object.fromEntries(Object.entries(definition).map(([name, shape]) => [name, this.#meteredShape(shape)])) as ServedService["definition"],
      handlers: Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name, this.#meteredHandler(name, handler)])),
    }));
  }

  /** Reads what takes time to read before the page is made. */
  refreshing({ store }: Room, inner: HttpHandler): HttpHandler {
    return (request, response) => {
      const fresh = request.url?.startsWith("/metrics") === true ? store.table.sizeBytes().then((bytes) => (this.#dbBytes = bytes)) : undefined;
      if (fresh === undefined) inner(request, response);
      // A size that cannot be read stays what it was; the page has more to say.
      else void fresh.catch(() => undefined).then(() => inner(request, response));
    };
  }

  /** Everything for the page, in the order of its names. */
  page(room: Room, quotaBytes: number): Metric[] {
    const { store, member, watchStreams } = room;
    const index = (): number => Number(room.raftIndex());
    const watches = (part: "all" | "behind"): number => [...watchStreams].reduce((sum, stream) => sum + stream.watches[part], 0);
    const is = (labels: Record<string, string>) => [{ labels, value: 1 }];
    return [
      gauge("etcd_cluster_version", "Which version is running. 1 for 'cluster_version' label with current cluster version", () => is({ cluster_version: ETCD_VERSION.replace(/\.\d+$/, "") })),
      this.#granted.metric,
      this.#revoked.metric,
      gauge("etcd_debugging_mvcc_compact_revision", "The revision of the last compaction in store.", () => store.compactRevision),
      gauge("etcd_debugging_mvcc_current_revision", "The current revision of store.", () => store.revision),
      gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.", () => this.#keys),
      gauge("etcd_debugging_mvcc_slow_watcher_total", "Total number of unsynced slow watchers.", () => watches("behind")),
      this.#putBytes.metric,
      gauge("etcd_debugging_mvcc_watch_stream_total", "Total number of watch streams.", () => watchStreams.size),
      gauge("etcd_debugging_mvcc_watcher_total", "Total number of watchers.", () => watches("all")),
      this.#syncs,
      gauge("etcd_mvcc_db_total_size_in_bytes", DB_SIZE, () => this.#dbBytes),
      this.#deletes.metric,
      this.#puts.metric,
      this.#ranges.metric,
      this.#txns.metric,
      this.#receivedBytes.metric,
      this.#sentBytes.metric,
      gauge("etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", () => 1),
      this.#unhealthy.metric,
      this.#healthy.metric,
      gauge("etcd_server_healthcheck", "The result of each kind of healthcheck.", () => [...this.#checkResults.values()]),
      this.#checks,
      gauge("etcd_server_id", "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.", () => is({ server_id: member.id.toString(16) })),
      gauge("etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.", () => 1),
      gauge("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", () => 0),
      new ReadCounter({ name: "etcd_server_leader_changes_seen_total", help: "The number of leader changes seen." }, () => 1),
      gauge("etcd_server_proposals_applied_total", "The total number of consensus proposals applied.", index),
      gauge("etcd_server_proposals_committed_total", "The total number of consensus proposals committed.", index),
      gauge("etcd_server_proposals_pending", "The current number of pending proposals to commit.", () => store.pending),
      gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.", () => quotaBytes),
      gauge("etcd_server_version", "Which version is running. 1 for 'server_version' label with current version.", () => is({ server_version: ETCD_VERSION })),
    ];
  }

  #meteredShape(shape: MethodShape): MethodShape {
    return {
      ...shape,
      requestDeserialize: (bytes: Buffer): unknown => {
        this.#receivedBytes.cell.add(bytes.length);
        return shape.requestDeserialize(bytes);
      },
      responseSerialize: (value: unknown): Buffer => {
        const bytes = shape.responseSerialize(value);
        this.#sentBytes.cell.add(bytes.length);
        return bytes;
      },
    };
  }

  #meteredHandler(name: string, handler: AnyHandler | undefined): AnyHandler | undefined {
    const seen = this.#seen[name];
    if (handler === undefined || seen === undefined) return handler;
    return async (...parameters: never[]) => {
      const response: unknown = await handler(...parameters);
      seen(response);
      return response;
    };
  }

  /** What an answer says of what was done, by the method's name. */
  readonly #seen: Readonly<Record<string, (response: unknown) => void>> = {
    range: (response) => void ((response as RangeResponse).header !== undefined && this.#ranges.cell.add()),
    txn: (response) => this.#seenTxn(response as TxnResponse),
    leaseGrant: (response) => void ((response as LeaseGrantResponse).ID !== 0n && this.#granted.cell.add()),
    leaseRevoke: () => this.#revoked.cell.add(),
  };

  #seenTxn({ responses }: TxnResponse): void {
    // etcd counts what the store was asked for: several operations are a txn, one alone is what it is.
    if (responses.length > 1) this.#txns.cell.add();
    for (const { response } of responses) {
      if (response?.$case === "responseRange") this.#ranges.cell.add();
      if (response?.$case === "responseTxn") this.#seenTxn(response.value);
    }
  }
}

/** Whether a put made its key: the row says so before its revision of change, and not more of it is read. */
function createdBy({ key, main, row }: Change): boolean {
  const reader = new BinaryReader(row);
  while (reader.pos < row.length) {
    const [field, wireType] = reader.tag();
    if (field === CREATE_REVISION) return reader.uint64().toString() === String(main);
    reader.skip(wireType);
  }
  throw new Error(`the row of ${key} names no revision`);
}

/** Number of mvccpb.KeyValue.create_revision. */
const CREATE_REVISION = 2;

function count(name: string, help: string) {
  const metric = new Counter({ name, help }, []);
  return { metric, cell: metric.cell() };
}

function gauge(name: MetricName["name"], help: string, read: ConstructorParameters<typeof ReadGauge>[1]): ReadGauge {
  return new ReadGauge({ name, help }, read);
}
