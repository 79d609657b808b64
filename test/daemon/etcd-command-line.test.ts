import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/user-error.js";
import { durationMs, isEtcdCommandLine, readEtcdCommandLine } from "../../src/daemon/etcd-command-line.js";
import { etcdSettings } from "../../src/daemon/etcd-settings.js";

const read = (args: readonly string[], environment: NodeJS.ProcessEnv = {}): Record<string, string> => Object.fromEntries(readEtcdCommandLine(args, environment));
const settings = (...args: readonly string[]) => etcdSettings(readEtcdCommandLine(args, {}));
const usage = (message: string) => (error: unknown) => {
  assert.ok(error instanceof UserError && error.kind === "usage", String(error));
  assert.equal(error.message, `etcd: ${message}`);
  return true;
};

test("a command line is etcd's when a flag or variable of it is etcd's alone", () => {
  assert.equal(isEtcdCommandLine(["--data-dir", "x", "--name", "y", "--log-level=info"], {}), false);
  assert.equal(isEtcdCommandLine(["--data-dir", "x", "--port-base", "7430"], { ETCD_VERSION: "3.4", ETCDCTL_ENDPOINTS: "x" }), false);
  assert.equal(isEtcdCommandLine(["--data-dir", "x", "--snapshot-count=5"], {}), true);
  assert.equal(isEtcdCommandLine(["-listen-client-urls", "http://127.0.0.1:0"], {}), true);
  assert.equal(isEtcdCommandLine([], { ETCD_DATA_DIR: "x" }), true);
});

test("flags are read as Go reads them, the environment stands behind them", () => {
  assert.deepEqual(read(["--name", "a", "-data-dir=b", "--client-cert-auth", "--auto-tls=F", "--max-txn-ops", "5"], { ETCD_NAME: "other", ETCD_LOG_LEVEL: "warn", ETCD_VERSION: "3.4" }), {
    name: "a",
    "data-dir": "b",
    "client-cert-auth": "true",
    "auto-tls": "false",
    "max-txn-ops": "5",
    "log-level": "warn",
  });
});

test("what etcd does not know, or this server cannot do, is refused in one line", () => {
  const refusals: [readonly string[], string][] = [
    [["--nope"], "flag provided but not defined: -nope"],
    [["start"], "'start' is not a valid flag"],
    [["--name"], "flag needs an argument: -name"],
    [["--max-txn-ops", "many"], 'invalid value "many" for flag -max-txn-ops: must be a number'],
    [["--unsafe-no-fsync"], "--unsafe-no-fsync=true is not supported: what was acknowledged is always on disk here"],
    [["--discovery", "http://x"], "--discovery=http://x is not supported: this server is a cluster of one member"],
  ];
  for (const [args, message] of refusals) assert.throws(() => read(args), usage(message));
  assert.throws(() => read([], { ETCD_MAX_TXN_OPS: "x" }), usage('invalid value "x" for flag ETCD_MAX_TXN_OPS: must be a number'));
  assert.deepEqual(read(["--enable-v2=false", "--proxy", "off"]), { "enable-v2": "false", proxy: "off" });
});

test("values mean what they mean to etcd", () => {
  const plain = settings("--logger", "zap");
  assert.deepEqual([plain.name, plain.listen, plain.advertiseClientUrls, plain.autoCompaction], ["default", [{ secure: false, host: "127.0.0.1", port: 2379 }], ["http://localhost:2379"], undefined]);
  assert.deepEqual(plain.ignored, ["logger"]);
  assert.match(settings("--name", "n1").dataDir, /\/n1\.etcd$/);
  const urls = settings("--listen-client-urls", "http://127.0.0.1:1,unix://a.sock,http://127.0.0.1:1", "--advertise-client-urls", "http://a:1,http://b:2").listen;
  assert.deepEqual(urls, [{ secure: false, host: "127.0.0.1", port: 1 }, { secure: false, path: "a.sock", host: "", port: 0 }]);
  const retention = (...args: readonly string[]) => settings(...args).autoCompaction;
  assert.deepEqual(retention("--auto-compaction-retention", "2"), { mode: "periodic", retentionMs: 2 * 3600 * 1000 });
  assert.deepEqual(retention("--auto-compaction-retention", "1h30m"), { mode: "periodic", retentionMs: 5400 * 1000 });
  assert.deepEqual(retention("--auto-compaction-mode", "revision", "--auto-compaction-retention", "1000"), { mode: "revision", retentionRevisions: 1000 });
  assert.equal(durationMs("1m0.5s20ms"), 60_520);
});

test("contradictions are refused in etcd's words", () => {
  const secure = ["--listen-client-urls", "https://127.0.0.1:1", "--advertise-client-urls", "https://127.0.0.1:1"];
  const refusals: [readonly string[], string][] = [
    [["--listen-client-urls", "http://127.0.0.1:1"], "--advertise-client-urls is required when --listen-client-urls is set explicitly"],
    [secure, "TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:1 with HTTPS scheme"],
    [["--listen-client-urls", "http://example.com:1", "--advertise-client-urls", "x"], 'invalid value "http://example.com:1" for flag -listen-client-urls: expected IP in URL for binding (http://example.com:1)'],
    [["--initial-cluster", "a=http://x:1,b=http://y:1"], "--initial-cluster names 2 members (a, b): this server is a cluster of one member"],
    [["--initial-cluster-state", "existing"], "--initial-cluster-state=existing is not supported: this server cannot join another cluster"],
    [["--auto-compaction-mode", "always"], 'unknown auto-compaction-mode "always"'],
    [["--log-level", "loud"], 'unrecognized level: "loud"'],
  ];
  for (const [args, message] of refusals) assert.throws(() => settings(...args), usage(message));
});
