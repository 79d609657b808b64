import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import { newUser, outcome, permission, services, signedIn } from "./signed-in.js";
import { put, range } from "./wire.js";

it("takes the common name of a client certificate for the user, but never at the JSON gateway", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-certificate-user-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const authority = await CertificateAuthority.open(directory);
  const own = await authority.issue({ commonName: "etcd", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] });
  const alice = await authority.issue({ commonName: "alice", usages: ["client"] });
  const stranger = await authority.issue({ commonName: "stranger", usages: ["client"] });
  const server = await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger, tls: { ...own, clientCertAuth: true }, clientCertAuth: true });
  const [etcd, strangers] = [services(server.address, alice), services(server.address, stranger)];
  t.after(async () => {
    etcd.close();
    strangers.close();
    await server.close();
  });
  for (const user of ["root", "alice"]) await etcd.auth.userAdd(newUser(user));
  await etcd.auth.userGrantRole({ user: "root", role: "root" });
  await etcd.auth.roleAdd({ name: "reader" });
  await etcd.auth.roleGrantPermission({ name: "reader", perm: permission("READ", "a") });
  await etcd.auth.userGrantRole({ user: "alice", role: "reader" });
  await etcd.auth.authEnable({});

  const denied = "PERMISSION_DENIED etcdserver: permission denied";
  const read = range({ key: "a" });
  assert.deepEqual([await outcome(etcd.kv.range(read)), await outcome(etcd.kv.put(put({ key: "a" }))), await outcome(strangers.kv.range(read))], ["ok", denied, denied]);
  const root = await signedIn(strangers, "root");
  assert.deepEqual([await outcome(etcd.kv.put(put({ key: "a" }), root)), await outcome(strangers.kv.range(read, root))], ["ok", "ok"]);

  const post = (headers: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port: server.port, method: "POST", path: "/v3/kv/range", headers: { ...headers }, agent: false, ca: alice.caPem, cert: alice.certPem, key: alice.keyPem }, (response) => {
        text(response).then((body) => resolve(`${response.statusCode} ${(JSON.parse(body) as { message?: string }).message}`), reject);
      });
      call.on("error", reject).end('{"key":"YQ=="}');
    });
  assert.equal(await post({}), "400 etcdserver: user name is empty");
  assert.equal(await post({ Authorization: root.metadata["token"] }), "200 undefined");
});
