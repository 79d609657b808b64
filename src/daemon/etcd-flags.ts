/** How a flag's value is written. */
export type FlagKind = "text" | "switch" | "count" | "integer" | "duration";

/** What becomes of a flag. */
export type FlagFate =
  /** It does what etcd's does. */
  | "used"
  /** It is taken and has no effect; the log names it with the reason. */
  | { readonly ignoredBecause: string }
  /** Only the value that asks for nothing is taken; any other is refused with the reason. */
  | { readonly only: readonly string[]; readonly because: string };

/** One flag of etcd 3.5. */
export interface EtcdFlag {
  readonly kind: FlagKind;
  readonly fate: FlagFate;
}

const ONE_MEMBER = "this server is a cluster of one member";
const NO_V2 = "the v2 API does not exist here";
const NO_PEERS = `${ONE_MEMBER}, without peers and raft`;
const NO_RAFT_LOG = "there is no raft log beside the database";
const NO_BBOLT = "the database is LevelDB, not bbolt";
const ZAP_ALONE = "the log is zap's JSON on standard error";
const NO_PROXY = "this server is no proxy and asks no discovery service";

const used = (kind: FlagKind, ...names: readonly string[]) => names.map((name) => [name, { kind, fate: "used" }] as const);
const ignored = (ignoredBecause: string, kind: FlagKind, ...names: readonly string[]) => names.map((name) => [name, { kind, fate: { ignoredBecause } }] as const);
const only = (kind: FlagKind, values: readonly string[], because: string, ...names: readonly string[]) => names.map((name) => [name, { kind, fate: { only: values, because } }] as const);

/**
 * Every flag of etcd 3.5 (`etcd --help`), some of 3.4 and 3.6, and what it means here. The environment variable of `--data-dir` is
 * ETCD_DATA_DIR, and so on.
 */
export const etcdFlags: ReadonlyMap<string, EtcdFlag> = new Map<string, EtcdFlag>([
  ...used("text", "name", "data-dir", "listen-client-urls", "advertise-client-urls", "initial-advertise-peer-urls", "listen-metrics-urls", "config-file", "auth-token"),
  ...used("text", "initial-cluster", "initial-cluster-state", "initial-cluster-token", "log-level", "auto-compaction-mode", "auto-compaction-retention", "cors", "host-whitelist"),
  ...used("text", "cert-file", "key-file", "trusted-ca-file", "client-crl-file", "client-cert-allowed-hostname", "cipher-suites", "tls-min-version", "tls-max-version"),
  ...used("switch", "client-cert-auth", "auto-tls", "enable-grpc-gateway", "version", "help"),
  ...used("count", "max-txn-ops", "max-request-bytes", "max-concurrent-streams", "auth-token-ttl", "bcrypt-cost", "heartbeat-interval", "election-timeout"),
  ...used("integer", "quota-backend-bytes"),
  ...used("duration", "experimental-watch-progress-notify-interval", "watch-progress-notify-interval", "grpc-keepalive-interval", "grpc-keepalive-timeout"),

  ...ignored(NO_PEERS, "text", "listen-peer-urls", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "peer-crl-file", "peer-cert-allowed-cn", "peer-cert-allowed-hostname"),
  ...ignored(NO_PEERS, "text", "peer-client-cert-file", "peer-client-key-file"),
  ...ignored(NO_PEERS, "switch", "peer-client-cert-auth", "peer-auto-tls", "experimental-peer-skip-client-san-verification"),
  ...ignored(NO_PEERS, "switch", "strict-reconfig-check", "pre-vote", "initial-election-tick-advance", "force-new-cluster"),
  ...ignored(NO_PEERS, "switch", "experimental-initial-corrupt-check", "experimental-compact-hash-check-enabled"),
  ...ignored(NO_PEERS, "duration", "raft-read-timeout", "raft-write-timeout", "experimental-corrupt-check-time", "experimental-compact-hash-check-time"),
  ...ignored("a downgrade is never finished by an older member", "duration", "experimental-downgrade-check-time"),
  ...ignored(NO_RAFT_LOG, "text", "wal-dir"),
  ...ignored(NO_RAFT_LOG, "count", "snapshot-count", "max-snapshots", "max-wals", "experimental-snapshot-catchup-entries"),
  ...ignored(NO_BBOLT, "text", "backend-bbolt-freelist-type"),
  ...ignored(NO_BBOLT, "count", "backend-batch-limit", "experimental-bootstrap-defrag-threshold-megabytes"),
  ...ignored(NO_BBOLT, "duration", "backend-batch-interval"),
  ...ignored(NO_BBOLT, "switch", "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer"),
  ...ignored("calls go on while the database is defragmented", "switch", "experimental-stop-grpc-service-on-defrag"),
  ...ignored("a compaction gives way to calls by itself", "count", "experimental-compaction-batch-limit"),
  ...ignored("a compaction gives way to calls by itself", "duration", "experimental-compaction-sleep-interval"),
  ...ignored("a lease gets its full time after a restart, as without checkpoints", "switch", "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist"),
  ...ignored(ZAP_ALONE, "text", "logger", "log-outputs", "log-rotation-config-json", "log-package-levels"),
  ...ignored(ZAP_ALONE, "switch", "debug", "enable-log-rotation"),
  ...ignored("slow calls are counted in /metrics, not logged", "duration", "experimental-warning-apply-duration"),
  ...ignored("/metrics has one form", "text", "metrics"),
  ...ignored("there is no Go program to profile", "switch", "enable-pprof"),
  ...ignored("the JSON gateway needs no connection of its own", "text", "client-cert-file", "client-key-file"),
  ...ignored("certificates of --auto-tls are renewed at a start where needed", "count", "self-signed-cert-validity"),
  ...ignored("no client is punished for its pings", "duration", "grpc-keepalive-min-time"),
  ...ignored("Node opens the sockets and has no such option", "switch", "socket-reuse-port", "socket-reuse-address"),
  ...ignored(NO_PROXY, "text", "discovery-fallback", "discovery-proxy"),
  ...ignored(NO_PROXY, "count", "proxy-failure-wait", "proxy-refresh-interval", "proxy-dial-timeout", "proxy-write-timeout", "proxy-read-timeout"),
  ...ignored(NO_V2, "switch", "enable-v2"),
  ...ignored(NO_V2, "text", "v2-deprecation"),
  ...ignored("traces are not exported here", "text", "experimental-distributed-tracing-address", "experimental-distributed-tracing-service-name", "experimental-distributed-tracing-instance-id"),
  ...ignored("traces are not exported here", "count", "experimental-distributed-tracing-sampling-rate"),

  ...only("text", [""], ONE_MEMBER, "discovery", "discovery-srv", "discovery-srv-name"),
  ...only("text", [""], "HTTP is answered at --listen-client-urls here", "listen-client-http-urls"),
  ...only("text", ["off"], NO_V2, "proxy"),
  ...only("text", [""], NO_V2, "experimental-enable-v2v3"),
  ...only("switch", ["false"], "what was acknowledged is always on disk here", "unsafe-no-fsync"),
  ...only("switch", ["false"], "traces are not exported here", "experimental-enable-distributed-tracing"),
]);

/** Why a flag is taken and has no effect; undefined for others. */
export function ignoredBecause(flag: string): string | undefined {
  const fate = etcdFlags.get(flag)?.fate;
  return typeof fate === "object" && "ignoredBecause" in fate ? fate.ignoredBecause : undefined;
}

/** `--data-dir` by its environment variable: `ETCD_DATA_DIR`. */
export function environmentName(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll("-", "_")}`;
}
