import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeCredentials, makeHostCertificates } from "../../src/daemon/credential-maker.js";
import { HostCertificateStore } from "../../src/daemon/host-certificates.js";
import { defaultInventory } from "../../src/daemon/inventory.js";
import { tlsDirectory, type TlsMaterial, tlsFiles } from "../../src/rpc/tls.js";
import { withDirectory } from "../support/command.js";

const maker = fileURLToPath(new URL("./certificate-maker-process.js", import.meta.url));
const inventory = defaultInventory(1);

function withAuthority(work: (directory: string) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    await makeCredentials(directory, inventory, { tls: false }, "127.0.0.1:7437");
    await work(directory);
  });
}

function fits({ certPem, keyPem }: TlsMaterial): boolean {
  return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
}

test("a host that nobody knew at the start gets a node's client certificate and a kubelet's serving one, and keeps them", async () => {
  await withAuthority(async (directory) => {
    const store = new HostCertificateStore(directory, ["esxi-01.spheresim.test"]);
    const { node, kubelet } = await store.of("esxi-09.rack.example");
    assert.equal(new X509Certificate(node.certPem).subject, "O=system:nodes\nCN=system:node:esxi-09.rack.example");
    assert.equal(new X509Certificate(kubelet.certPem).checkHost("esxi-09.rack.example"), "esxi-09.rack.example");
    assert.ok(new X509Certificate(node.certPem).checkIssued(new X509Certificate(kubelet.caPem)) && fits(node) && fits(kubelet));
    assert.deepEqual(await new HostCertificateStore(directory, []).of("esxi-09.rack.example"), { node, kubelet });
    const known = await store.of("esxi-01.spheresim.test");
    assert.deepEqual(await makeHostCertificates(directory, "esxi-01.spheresim.test"), known);
  });
});

test("keys made at run time are their owner's alone, and no draft of one stays", async () => {
  await withAuthority(async (directory) => {
    await new HostCertificateStore(directory, []).of("esxi-09.rack.example");
    const tls = tlsDirectory(directory);
    const files = readdirSync(tls);
    assert.deepEqual(files.filter((file) => !/\.(crt|key)$/.test(file)), []);
    for (const file of files.filter((each) => each.endsWith(".key"))) assert.equal(statSync(join(tls, file)).mode & 0o077, 0, file);
    assert.equal(statSync(tls).mode & 0o077, 0);
  });
});

test("many processes that ask for the same new hosts at once all get the same certificates, and their keys", async () => {
  await withAuthority(async (directory) => {
    const asked = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, [maker, directory, "a.rack.example", "b.rack.example"], { stdio: ["ignore", "pipe", "inherit"] });
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
        await once(child, "close");
        return JSON.parse(text) as Array<{ readonly node: TlsMaterial; readonly kubelet: TlsMaterial }>;
      }),
    );
    for (const answer of asked) assert.deepEqual(answer, asked[0]);
    for (const { node, kubelet } of asked[0] ?? []) assert.ok(fits(node) && fits(kubelet));
  });
});

test("a certificate whose key is another's, as a kill in the middle of renewing leaves it, is made anew", async () => {
  await withAuthority(async (directory) => {
    const store = new HostCertificateStore(directory, []);
    const before = await store.of("esxi-09.rack.example");
    const files = tlsFiles(tlsDirectory(directory), "node-esxi-09.rack.example");
    rmSync(files.key);
    writeFileSync(files.key, before.kubelet.keyPem, { mode: 0o600 });
    const after = await store.of("esxi-09.rack.example");
    assert.ok(fits(after.node));
    assert.deepEqual(after.kubelet, before.kubelet);
  });
});

test("a host of the longest name has files, and what is no host's name has none", async () => {
  await withAuthority(async (directory) => {
    const longest = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.example1`;
    assert.equal(longest.length, 252);
    const { kubelet } = await new HostCertificateStore(directory, []).of(longest);
    assert.equal(new X509Certificate(kubelet.certPem).checkHost(longest), longest);
    await assert.rejects(new HostCertificateStore(directory, []).of("../../evil"), /is no name of a host/);
  });
});
