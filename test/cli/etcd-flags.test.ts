import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { webcrypto, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import "reflect-metadata";
import { X509CrlGenerator } from "@peculiar/x509";
import { etcdFlags, ignoredBecause } from "../../src/daemon/etcd-flags.js";
import { userKey } from "../../src/etcd/storage/keyspace.js";
import { LevelTable } from "../../src/etcd/storage/level-table.js";
import { User } from "../../src/gen/etcd/authpb/auth.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import { withDirectory } from "../support/command.js";
import { eventually } from "../support/eventually.js";
import { run } from "../support/running-emulator.js";
import { jwtKeys } from "../etcd/jwt-keys.js";
import { newUser, outcome, services, signedIn } from "../etcd/signed-in.js";
import { connect, create, opPut, put, range, txn, WatchTap } from "../etcd/wire.js";
import { over, withEtcd, wrapper } from "./etcd-process.js";

/** The flags whose effect a test of this file shows. */
const shown = new Set<string>();
const showing = (...flags: readonly string[]): void => flags.forEach((flag) => shown.add(flag));

function remoteSettings(path: string): Promise<ClientHttp2Session> {
  const session = connectHttp2("http://localhost", { createConnection: () => connectSocket(path) });
  return once(session, "remoteSettings").then(() => session);
}

function headersOver(socketPath: string, path: string, headers: Record<string, string>, method = "GET"): Promise<{ readonly status: number | undefined; readonly origin: string | undefined }> {
  return new Promise((resolve, reject) =>
    request({ socketPath, path, headers, method, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, origin: response.headers["access-control-allow-origin"] });
    })
      .on("error", reject)
      .end(method === "POST" ? "{}" : undefined),
  );
}

test("flags of names, limits and HTTP", async () => {
  showing("name", "data-dir", "listen-client-urls", "advertise-client-urls", "initial-advertise-peer-urls", "initial-cluster", "initial-cluster-state", "initial-cluster-token", "listen-metrics-urls");
  showing("max-txn-ops", "max-request-bytes", "max-concurrent-streams", "heartbeat-interval", "election-timeout", "cors", "host-whitelist", "enable-grpc-gateway");
  await withDirectory(async (directory) => {
    const [client, metrics] = [join(directory, "c.sock"), join(directory, "m.sock")];
    const args = (token: string, data: string): string[] => [
      ["--name", "n1", "--data-dir", data, "--listen-client-urls", `unix://${client}`, "--advertise-client-urls", "http://a:1,http://b:2", "--listen-metrics-urls", `unix://${metrics}`],
      ["--initial-advertise-peer-urls", "http://127.0.0.1:33792", "--initial-cluster", "n1=http://127.0.0.1:33792", "--initial-cluster-state", "new", "--initial-cluster-token", token],
      ["--max-txn-ops", "2", "--max-request-bytes", "1000", "--max-concurrent-streams", "7", "--heartbeat-interval", "500", "--election-timeout", "5000"],
      ["--cors", "http://ok.test", "--host-whitelist", "ok.test", "--enable-grpc-gateway=false"],
    ].flat();
    await withEtcd(args("etcd-cluster", "one"), directory, async () => {
      const etcd = connect(`unix:${client}`);
      const { header, members } = await etcd.cluster.memberList({ linearizable: false });
      assert.deepEqual(members.map(({ name, clientURLs, peerURLs }) => [name, clientURLs, peerURLs]), [["n1", ["http://a:1", "http://b:2"], ["http://127.0.0.1:33792"]]]);
      assert.deepEqual([header?.memberId.toString(16), header?.clusterId.toString(16)], ["9f3ea46af461af15", "fe278a128202922e"]);
      const three = txn({ success: [1, 2, 3].map((key) => opPut({ key: `${key}`, value: "" })) });
      assert.equal(await outcome(etcd.kv.txn(three)), "INVALID_ARGUMENT etcdserver: too many operations in txn request");
      assert.equal(await outcome(etcd.kv.put(put({ key: "a", value: "x".repeat(1000) }))), "INVALID_ARGUMENT etcdserver: request is too large");
      // 10 heartbeats until an election, 15 of half a second until leases run.
      assert.equal((await etcd.grant(1)).TTL, 8n);
      etcd.close();

      const session = await remoteSettings(client);
      assert.match(await text(session.request({ ":path": "/version", ":authority": "ok.test" }).end()), /etcdserver/);
      await eventually("the server's own settings come", () => session.remoteSettings.maxConcurrentStreams === 7);
      session.close();

      assert.match(await over(metrics, "/metrics"), /^etcd_server_has_leader 1$/m);
      assert.deepEqual(await headersOver(client, "/version", { host: "ok.test", origin: "http://ok.test" }), { status: 200, origin: "http://ok.test" });
      assert.deepEqual(await headersOver(client, "/version", { host: "ok.test", origin: "http://bad.test" }), { status: 200, origin: undefined });
      assert.equal((await headersOver(client, "/version", { host: "bad.test" })).status, 421);
      assert.equal((await headersOver(client, "/v3/kv/range", { host: "ok.test" }, "POST")).status, 404);
    });
    await withEtcd(args("another", "two"), directory, async () => {
      const etcd = connect(`unix:${client}`);
      assert.notEqual((await etcd.cluster.memberList({ linearizable: false })).header?.memberId.toString(16), "9f3ea46af461af15");
      etcd.close();
    });
  });
  const refused = async (...args: readonly string[]): Promise<string> => (await run(["serve", "etcd", "--logger=zap", ...args])).stderr;
  assert.match(await refused("--initial-cluster", "a=http://x:1,b=http://y:1"), /names 2 members \(a, b\)/);
  assert.match(await refused("--initial-cluster-state", "existing"), /cannot join another cluster/);
  assert.match(await refused("--heartbeat-interval", "500"), /--election-timeout\[1000ms\] should be at least as 5 times as --heartbeat-interval\[500ms\]/);
});

test("flags of space, history and progress", async () => {
  showing("quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention", "experimental-watch-progress-notify-interval", "watch-progress-notify-interval");
  await withDirectory(async (directory) => {
    const socket = join(directory, "c.sock");
    const common = ["--listen-client-urls", `unix://${socket}`, "--advertise-client-urls", "http://a:1"];
    const progressed = async (): Promise<void> => {
      const etcd = connect(`unix:${socket}`);
      const tap = new WatchTap(etcd);
      await tap.send(create({ key: "silent", progressNotify: true }));
      assert.equal((await tap.next()).created, true);
      const { created, events } = await tap.next();
      assert.deepEqual([created, events.length], [false, 0]);
      tap.close();
      etcd.close();
    };
    await withEtcd([...common, "--data-dir", "one", "--auto-compaction-mode", "periodic", "--auto-compaction-retention", "200ms", "--experimental-watch-progress-notify-interval", "100ms"], directory, async () => {
      const etcd = connect(`unix:${socket}`);
      for (const value of ["1", "2", "3"]) await etcd.kv.put(put({ key: "a", value }));
      await eventually("history is forgotten", async () => (await outcome(etcd.kv.range(range({ key: "a", revision: 2n })))) === "OUT_OF_RANGE etcdserver: mvcc: required revision has been compacted");
      etcd.close();
      await progressed();
    });
    await withEtcd([...common, "--data-dir", "two", "--quota-backend-bytes", "50000", "--watch-progress-notify-interval", "100ms"], directory, async () => {
      const etcd = connect(`unix:${socket}`);
      await eventually("the quota is full", async () => (await outcome(etcd.kv.put(put({ key: "a", value: "x".repeat(20_000) })))) === "RESOURCE_EXHAUSTED etcdserver: mvcc: database space exceeded");
      etcd.close();
      await progressed();
    });
  });
  assert.match((await run(["serve", "etcd", "--auto-compaction-mode", "always"])).stderr, /unknown auto-compaction-mode "always"/);
});

test("--auth-token-ttl and --bcrypt-cost", async () => {
  showing("auth-token-ttl", "bcrypt-cost");
  await withDirectory(async (directory) => {
    const socket = join(directory, "c.sock");
    const common = ["--listen-client-urls", `unix://${socket}`, "--advertise-client-urls", "http://a:1", "--data-dir", "data"];
    await withEtcd([...common, "--auth-token-ttl", "1", "--bcrypt-cost", "4"], directory, async () => {
      const etcd = services(`unix:${socket}`);
      await etcd.auth.userAdd(newUser("root"));
      await etcd.auth.userGrantRole({ user: "root", role: "root" });
      await etcd.auth.authEnable({});
      const [token, other] = [await signedIn(etcd, "root"), await signedIn(etcd, "root")];
      assert.equal(await outcome(etcd.kv.put(put({ key: "a", value: "1" }), token)), "ok");
      // A lease of 2 s tells when the token, which nobody uses, has ended.
      const { ID } = await etcd.lease.leaseGrant({ TTL: 2n, ID: 0n }, other);
      await etcd.kv.put(put({ key: "ends", value: "1", lease: ID }), other);
      const watching = connect(`unix:${socket}`).watch.watch(other);
      await watching.write(create({ key: "ends" }));
      for await (const { events } of watching) if (events.length > 0) break;
      assert.equal(await outcome(etcd.kv.put(put({ key: "a", value: "1" }), token)), "UNAUTHENTICATED etcdserver: invalid auth token");
      etcd.close();
    });
    const table = await LevelTable.open(join(directory, "data", "member"));
    assert.match(User.decode(table.get(userKey("root")) ?? Buffer.alloc(0)).password.toString(), /^\$2a\$04\$/);
    await table.close();
    await withEtcd([...common, "--bcrypt-cost", "99"], directory, async (log) => assert.ok(log.some(({ msg }) => msg === "use default bcrypt cost instead of the invalid given cost")));
  });
});

test("--config-file alone counts where it is given; --auth-token jwt", async () => {
  showing("config-file", "auth-token");
  await withDirectory(async (directory) => {
    const [socket, file, keys] = [join(directory, "c.sock"), join(directory, "etcd.yaml"), jwtKeys("ES256")];
    writeFileSync(file, `name: filed\ndata-dir: filed.etcd\nlisten-client-urls: unix://${socket}\nmax-txn-ops: 1\nauth-token: jwt,pub-key=${keys.pub},priv-key=${keys.priv},sign-method=ES256,hue=red\nbcrypt-cost: 4\nsnapshot-count: 5\nno-such-key: 1\n`);
    await withEtcd(["--config-file", file, "--name", "other", "--max-txn-ops", "5"], directory, async (log) => {
      assert.deepEqual(log.filter(({ level }) => level === "warn").map(({ msg, flag, key }) => flag ?? key ?? msg), ["no-such-key", "--snapshot-count", "unknown JWT options"]);
      const etcd = services(`unix:${socket}`);
      assert.deepEqual((await etcd.cluster.memberList({ linearizable: false })).members.map(({ name, clientURLs }) => [name, clientURLs]), [["filed", ["http://localhost:2379"]]]);
      assert.match(await outcome(etcd.kv.txn(txn({ success: [1, 2].map((key) => opPut({ key: `${key}`, value: "" })) }))), /too many operations/);
      await etcd.auth.userAdd(newUser("root"));
      await etcd.auth.userGrantRole({ user: "root", role: "root" });
      await etcd.auth.authEnable({});
      const token = await signedIn(etcd, "root");
      assert.match(token.metadata["token"] ?? "", /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/);
      assert.equal(await outcome(etcd.kv.put(put({ key: "a", value: "1" }), token)), "ok");
      etcd.close();
    });
    const refused = async (content: string): Promise<string> => {
      writeFileSync(file, content);
      return (await run(["serve", "etcd", "--config-file", file])).stderr.replaceAll(file, "FILE");
    };
    assert.equal(await refused("name: x\nmax-txn-ops: many\n"), "spheresim: etcd: --config-file FILE, line 2, max-txn-ops: must be a whole number\n");
    assert.equal(await refused("client-transport-security:\n  allowed-cn: [x]\n"), "spheresim: etcd: --config-file FILE, line 2, client-transport-security.allowed-cn: is not supported here; name host names in allowed-hostname instead\n");
    assert.equal(await refused("unsafe-no-fsync: true\n"), "spheresim: etcd: --config-file FILE, line 1, unsafe-no-fsync: --unsafe-no-fsync=true is not supported: what was acknowledged is always on disk here\n");
    assert.equal((await run(["serve", "etcd", "--config-file", "/nowhere"])).stderr, "spheresim: etcd: --config-file /nowhere: no such file or directory\n");
  });
});

test("--log-level, and pings of the server", async () => {
  showing("log-level", "grpc-keepalive-interval", "grpc-keepalive-timeout");
  await withDirectory(async (directory) => {
    const socket = join(directory, "c.sock");
    const child = spawn(wrapper, ["--data-dir", "data", "--log-level", "error", "--grpc-keepalive-interval", "50ms", "--grpc-keepalive-timeout", "50ms", "--listen-client-urls", `unix://${socket}`, "--advertise-client-urls", "http://a:1"], { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
    const said = text(child.stderr);
    try {
      await eventually("it serves", () => over(socket, "/health"));
      // A client that says no more than what begins a connection is pinged, and given up.
      const mute = connectSocket(socket, () => void mute.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\xff\xff", "latin1")));
      let heard = Buffer.alloc(0);
      mute.on("data", (chunk: Buffer) => (heard = Buffer.concat([heard, chunk]))).on("error", () => undefined);
      await once(mute, "close");
      assert.ok(heard.includes(Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0])), "there was no PING of the server's own");
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal(await said, "");
  });
});

test("flags of certificates", async () => {
  showing("cert-file", "key-file", "trusted-ca-file", "client-cert-auth", "client-crl-file", "client-cert-allowed-hostname", "cipher-suites", "tls-min-version", "tls-max-version");
  await withDirectory(async (directory) => {
    const authority = await CertificateAuthority.open(directory);
    const server = await authority.issue({ commonName: "server", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] });
    const [alice, mallory, bob] = [await client("alice.test"), await client("alice.test"), await client("bob.test")];
    function client(name: string) {
      return authority.issue({ commonName: name, dnsNames: [name], usages: ["client"] });
    }
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    const crl = file("list.crl", await revocation(mallory.certPem));
    const socket = join(directory, "c.sock");
    const common = ["--listen-client-urls", `unixs://${socket}`, "--advertise-client-urls", "https://a:1", "--cert-file", file("s.crt", server.certPem), "--key-file", file("s.key", server.keyPem)];
    /** What a client sees of the connection; rejects where the server takes none. */
    const opened = async (own: { readonly certPem: string; readonly keyPem: string } | undefined, options: object = {}): Promise<string> => {
      const tls: TLSSocket = connectTls({ path: socket, ca: server.caPem, servername: "localhost", ALPNProtocols: ["http/1.1"], ...(own === undefined ? {} : { cert: own.certPem, key: own.keyPem }), ...options });
      let chosen = "";
      tls.once("secureConnect", () => (chosen = `${tls.getProtocol()} ${tls.getCipher().name}`));
      tls.write("GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      const answer = await text(tls);
      assert.match(answer, /^HTTP\/1\.1 200 /);
      return chosen;
    };
    await withEtcd([...common, "--data-dir", "one", "--tls-max-version", "TLS1.2", "--cipher-suites", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"], directory, async () => {
      assert.equal(await opened(undefined), "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384");
      await assert.rejects(opened(undefined, { minVersion: "TLSv1.3" }));
      await assert.rejects(opened(undefined, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }));
    });
    const guarded = ["--trusted-ca-file", file("ca.crt", server.caPem), "--client-cert-auth", "--client-crl-file", crl, "--client-cert-allowed-hostname", "alice.test", "--tls-min-version", "TLS1.3"];
    await withEtcd([...common, "--data-dir", "two", ...guarded], directory, async () => {
      assert.match(await opened(alice), /^TLSv1\.3 /);
      await assert.rejects(opened(alice, { maxVersion: "TLSv1.2" }));
      for (const kept of [undefined, mallory, bob]) await assert.rejects(opened(kept));
    });
  });
});

/** A list that revokes one certificate, in PEM. */
async function revocation(certPem: string): Promise<string> {
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const now = new Date(0);
  const { serialNumber } = new X509Certificate(certPem);
  const crl = await X509CrlGenerator.create({ issuer: "CN=spheresim", thisUpdate: now, nextUpdate: now, entries: [{ serialNumber, revocationDate: now }], signingAlgorithm: { name: "ECDSA", hash: "SHA-256" }, signingKey: keys.privateKey });
  return crl.toString("pem");
}

test("every flag has its effect shown, a reason why it has none, or a refusal", () => {
  // Elsewhere in this directory: serve-etcd.test.ts.
  showing("auto-tls", "version", "help");
  for (const [flag, { fate }] of etcdFlags) {
    if (fate === "used") assert.ok(shown.has(flag), `no test shows what --${flag} does`);
    else assert.match(ignoredBecause(flag) ?? (fate as { because: string }).because, /\w+ \w+/, flag);
  }
  for (const flag of shown) assert.equal(etcdFlags.get(flag)?.fate, "used", flag);
});
