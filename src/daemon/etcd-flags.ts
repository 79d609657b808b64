/** How a flag's value is written. */
export type FlagKind = "text" | "switch" | "count" | "integer" | "duration";

/** What becomes of a flag. */
export type FlagFate =
  /** It does what etcd's does. */
  | "used"
  /** It has no meaning on one member without raft, bbolt and Go; it is taken, and the log names it. */
  | "ignored"
  /** Only the value that asks for nothing is taken; any other is refused with the reason. */
  | { readonly only: readonly string[]; readonly because: string };

/** One flag of etcd 3.5. */
export interface EtcdFlag {
  readonly kind: FlagKind;
  readonly fate: FlagFate;
}

const ONE_MEMBER = "this server is a cluster of one member";
const NO_V2 = "the v2 API does not exist here";

const used = (kind: FlagKind, ...names: readonly string[]) => names.map((name) => [name, { kind, fate: "used" }] as const);
const ignored = (kind: FlagKind, ...names: readonly string[]) => names.map((name) => [name, { kind, fate: "ignored" }] as const);
const only = (kind: FlagKind, values: readonly string[], because: string, ...names: readonly string[]) => names.map((name) => [name, { kind, fate: { only: values, because } }] as const);

/** Every flag of etcd 3.5 (`etcd --help`), and what it means here. The environment variable of `--data-dir` is ETCD_DATA_DIR, and so on. */
export const etcdFlags: ReadonlyMap<string, EtcdFlag> = new Map<string, EtcdFlag>([
  ...used("text", "name", "data-dir", "listen-client-urls", "advertise-client-urls", "initial-advertise-peer-urls", "listen-metrics-urls", "config-file", "auth-token"),
  ...used("text", "initial-cluster", "initial-cluster-state", "initial-cluster-token", "log-level", "auto-compaction-mode", "auto-compaction-retention", "cors", "host-whitelist"),
  ...used("text", "cert-file", "key-file", "trusted-ca-file", "client-crl-file", "client-cert-allowed-hostname", "cipher-suites", "tls-min-version", "tls-max-version"),
  ...used("switch", "client-cert-auth", "auto-tls", "enable-grpc-gateway", "version", "help"),
  ...used("count", "max-txn-ops", "max-request-bytes", "max-concurrent-streams", "auth-token-ttl", "bcrypt-cost"),
  ...used("integer", "quota-backend-bytes"),
  ...used("duration", "experimental-watch-progress-notify-interval", "watch-progress-notify-interval"),

  ...ignored("text", "wal-dir", "listen-peer-urls", "backend-bbolt-freelist-type", "discovery-fallback", "discovery-proxy", "v2-deprecation"),
  ...ignored("text", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "peer-crl-file", "peer-cert-allowed-cn", "peer-cert-allowed-hostname"),
  ...ignored("text", "peer-client-cert-file", "peer-client-key-file", "client-cert-file", "client-key-file"),
  ...ignored("text", "logger", "log-outputs", "log-rotation-config-json", "log-package-levels", "metrics"),
  ...ignored("text", "experimental-distributed-tracing-address", "experimental-distributed-tracing-service-name", "experimental-distributed-tracing-instance-id"),
  ...ignored("switch", "strict-reconfig-check", "pre-vote", "initial-election-tick-advance", "peer-client-cert-auth", "peer-auto-tls", "experimental-peer-skip-client-san-verification"),
  ...ignored("switch", "enable-v2", "socket-reuse-port", "socket-reuse-address", "debug", "enable-pprof", "enable-log-rotation", "force-new-cluster"),
  ...ignored("switch", "experimental-initial-corrupt-check", "experimental-compact-hash-check-enabled", "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist"),
  ...ignored("switch", "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer", "experimental-stop-grpc-service-on-defrag"),
  ...ignored("count", "snapshot-count", "heartbeat-interval", "election-timeout", "max-snapshots", "max-wals", "backend-batch-limit", "self-signed-cert-validity"),
  ...ignored("count", "experimental-compaction-batch-limit", "experimental-bootstrap-defrag-threshold-megabytes", "experimental-snapshot-catchup-entries", "experimental-distributed-tracing-sampling-rate"),
  ...ignored("count", "proxy-failure-wait", "proxy-refresh-interval", "proxy-dial-timeout", "proxy-write-timeout", "proxy-read-timeout"),
  ...ignored("duration", "backend-batch-interval", "grpc-keepalive-min-time", "grpc-keepalive-interval", "grpc-keepalive-timeout", "raft-read-timeout", "raft-write-timeout"),
  ...ignored("duration", "experimental-corrupt-check-time", "experimental-compact-hash-check-time", "experimental-compaction-sleep-interval", "experimental-downgrade-check-time", "experimental-warning-apply-duration"),

  ...only("text", [""], ONE_MEMBER, "discovery", "discovery-srv", "discovery-srv-name"),
  ...only("text", [""], "HTTP is answered at --listen-client-urls here", "listen-client-http-urls"),
  ...only("text", ["off"], NO_V2, "proxy"),
  ...only("text", [""], NO_V2, "experimental-enable-v2v3"),
  ...only("switch", ["false"], "what was acknowledged is always on disk here", "unsafe-no-fsync"),
  ...only("switch", ["false"], "traces are not exported here", "experimental-enable-distributed-tracing"),
]);

/** `--data-dir` by its environment variable: `ETCD_DATA_DIR`. */
export function environmentName(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll("-", "_")}`;
}
