import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { RpcCode } from "../../src/base/rpc-error.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import { openChannel } from "../../src/rpc/channel.js";
import { grpcClientName, readTlsMaterial, tlsDirectory, type TlsMaterial } from "../../src/rpc/tls.js";
import { EchoServiceClient } from "./echo-service.js";
import { startEcho } from "./echo-server.js";

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-tls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const server = { commonName: "spheresim", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server", "client"] } as const;
const client = { commonName: "kubernetes-admin", organizations: ["system:masters"], usages: ["client"] } as const;

test("the authority and its certificates last, and keys are private", async (t) => {
  const directory = temporaryDirectory(t);
  const first = await CertificateAuthority.open(directory);
  const leaf = await first.stored(grpcClientName, client);
  const again = await CertificateAuthority.open(directory);
  assert.equal(again.caPem, first.caPem);
  assert.deepEqual(await again.stored(grpcClientName, client), leaf);
  assert.deepEqual(readTlsMaterial(directory), leaf);
  for (const name of ["ca.key", `${grpcClientName}.key`]) assert.equal(statSync(join(tlsDirectory(directory), name)).mode & 0o777, 0o600);
  again.forget(grpcClientName);
  assert.equal(readTlsMaterial(directory), undefined);
});

test("a certificate says what was asked for", async (t) => {
  const authority = await CertificateAuthority.open(temporaryDirectory(t));
  const admin = new X509Certificate((await authority.issue(client)).certPem);
  assert.equal(admin.subject, "O=system:masters\nCN=kubernetes-admin");
  assert.equal(admin.subjectAltName, undefined);
  assert.ok(admin.checkIssued(new X509Certificate(authority.caPem)));
  const host = new X509Certificate((await authority.issue(server)).certPem);
  assert.equal(host.checkHost("esxi-01.spheresim.test"), "*.spheresim.test");
  assert.ok(host.checkIP("127.0.0.1") !== undefined && host.checkIP("::1") !== undefined);
  assert.equal(host.ca, false);
});

test("a stored certificate is made anew when it should say something else", async (t) => {
  const authority = await CertificateAuthority.open(temporaryDirectory(t));
  const before = await authority.stored("kubelet", server);
  assert.deepEqual(await authority.stored("kubelet", server), before);
  const after = await authority.stored("kubelet", { ...server, dnsNames: [...serverNames, "node.example"] });
  assert.notEqual(after.certPem, before.certPem);
  assert.equal(new X509Certificate(after.certPem).checkHost("node.example"), "node.example");
});

test("a stored certificate stays, whatever its organization is called", async (t) => {
  const authority = await CertificateAuthority.open(temporaryDirectory(t));
  const request = { ...server, organizations: ["VMware, Inc"] };
  assert.deepEqual(await authority.stored("kubelet", request), await authority.stored("kubelet", request));
});

test("mutual TLS lets in who holds a certificate of the authority, under any host's name", async (t) => {
  const authority = await CertificateAuthority.open(temporaryDirectory(t));
  const stranger = await CertificateAuthority.open(temporaryDirectory(t));
  const tls = await authority.issue(server);
  const { server: echo } = await startEcho(t, { once: async (_note, call) => ({ text: call.authority }) }, { tls });
  const call = async (material: TlsMaterial | undefined, authorityName?: string): Promise<string> => {
    const channel = openChannel({ address: echo.address, tls: material });
    t.after(() => channel.close());
    return (await channel.client(EchoServiceClient).once({ text: "" }, { authority: authorityName, deadlineMs: 60_000 })).text;
  };
  const good = await authority.issue(client);
  assert.equal(await call(good), "127.0.0.1");
  assert.equal(await call(good, "esxi-07.spheresim.test"), "esxi-07.spheresim.test");
  const foreign = await stranger.issue(client);
  await assert.rejects(call({ ...foreign, caPem: authority.caPem }), { code: RpcCode.UNAVAILABLE });
  await assert.rejects(call({ ...good, caPem: stranger.caPem }), { code: RpcCode.UNAVAILABLE });
  await assert.rejects(call(undefined), { code: RpcCode.UNAVAILABLE });
});

test("a server called by its IP address must have that address in its certificate, and Node warns of nothing", async (t) => {
  const warnings: string[] = [];
  const warned = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", warned);
  t.after(() => process.off("warning", warned));
  const authority = await CertificateAuthority.open(temporaryDirectory(t));
  const material = await authority.issue(client);
  for (const ipAddresses of [["127.0.0.1"], []]) {
    const { server: echo } = await startEcho(t, { once: async () => ({ text: "hello" }) }, { tls: await authority.issue({ ...server, ipAddresses }) });
    const channel = openChannel({ address: echo.address, tls: material });
    t.after(() => channel.close());
    const answer = channel.client(EchoServiceClient).once({ text: "" }, { deadlineMs: 60_000 });
    if (ipAddresses.length > 0) assert.equal((await answer).text, "hello");
    else await assert.rejects(answer, { code: RpcCode.UNAVAILABLE });
  }
  assert.deepEqual(warnings, []);
});
