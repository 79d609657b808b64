import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, isLoopback, parseAddress, requireLoopbackOrTls } from "../../src/rpc/address.js";
import { freePortBlock, freePorts, quietPorts, requireFreePorts } from "../../src/rpc/port.js";
import { formatTraceparent, parseTraceparent, traceIdOfPod } from "../../src/rpc/traceparent.js";

test("addresses are read and written", () => {
  for (const text of ["127.0.0.1:7431", "localhost:0", "[::1]:65535", "vcenter.example:443"]) assert.equal(formatAddress(parseAddress(text)), text);
  for (const text of ["", "7431", ":7431", "localhost", "localhost:x", "localhost:65536", "::1:80"]) assert.throws(() => parseAddress(text), { name: "AddressError" }, text);
});

test("only loopback is open without TLS", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) assert.equal(isLoopback(host), true, host);
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.evil.example"]) assert.equal(isLoopback(host), false, host);
  assert.throws(() => requireLoopbackOrTls({ host: "0.0.0.0", port: 1 }, false), /without TLS/);
  requireLoopbackOrTls({ host: "0.0.0.0", port: 1 }, true);
});

test("free ports differ, and taken ones are named", async (t) => {
  const ports = await freePorts(5);
  assert.equal(new Set(ports).size, 5);
  await requireFreePorts(new Map([["vcenter", ports[0] ?? 0]]));
  const { createServer } = await import("node:net");
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  t.after(() => holder.close());
  const taken = (holder.address() as { port: number }).port;
  await assert.rejects(requireFreePorts(new Map([["vcenter", taken]])), { name: "PortError", message: new RegExp(`^vcenter cannot listen on 127\\.0\\.0\\.1:${taken}: `) });
  const block = await freePortBlock(taken, 2);
  assert.notEqual(block, taken);
});

test("traceparent is read and written as W3C Trace Context asks", () => {
  const trace = { traceId: traceIdOfPod("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"), spanId: "00f067aa0ba902b7" };
  const header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  assert.equal(formatTraceparent(trace), header);
  assert.deepEqual(parseTraceparent(header), trace);
  assert.deepEqual(parseTraceparent(`cc${header.slice(2)}-what-a-later-version-adds`), trace);
  for (const wrong of [undefined, "", "ff" + header.slice(2), header.toUpperCase(), header.replace("00f067aa0ba902b7", "0".repeat(16)), "00-0-0-01"]) assert.equal(parseTraceparent(wrong), undefined);
});

test("ports for an emulator lie where neither connections nor port 0 take them, and no two calls give the same", async () => {
  const calls = await Promise.all([quietPorts(9), quietPorts(9), quietPorts(9)]);
  assert.equal(new Set(calls.flat()).size, 27);
  for (const port of calls.flat()) assert.ok(port >= 10_240 && port < 32_768, String(port));
});
