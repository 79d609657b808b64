import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "../../src/base/log.js";
import { silentLogger } from "../../src/base/log.js";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError, typeUrl } from "../../src/base/rpc-error.js";
import type { Call } from "../../src/rpc/server.js";
import { startEcho } from "./echo-server.js";

test("a unary call answers", async (t) => {
  const { client } = await startEcho(t, { once: async (note) => ({ text: `${note.text}!` }) });
  assert.deepEqual(await client.once({ text: "hello" }), { text: "hello!" });
});

test("code, text, reason, field violations and typed details cross the wire", async (t) => {
  const thrown = new RpcError(RpcCode.FAILED_PRECONDITION, "the host is in maintenance mode – nicht möglich", {
    reason: { reason: "InvalidHostState", domain: "vcenter.spheresim.test", metadata: { host: "host-21" } },
    violations: [{ field: "spec.memory_mb", description: "must be a multiple of 4" }],
    details: [{ typeUrl: typeUrl("spheresim.vim.v1.MethodFault"), value: Uint8Array.of(1, 2, 3) }],
  });
  const { client } = await startEcho(t, {
    once: () => {
      throw thrown;
    },
  });
  const error = await client.once({ text: "x" }).then(() => assert.fail(), (reason: unknown) => reason);
  assert.ok(error instanceof RpcError);
  assert.equal(error.code, RpcCode.FAILED_PRECONDITION);
  assert.equal(error.codeName, "FAILED_PRECONDITION");
  assert.equal(error.message, thrown.message);
  assert.deepEqual(error.reason, thrown.reason);
  assert.deepEqual(error.violations.map(({ field, description }) => ({ field, description })), thrown.violations);
  assert.deepEqual([...(error.detail("spheresim.vim.v1.MethodFault") ?? [])], [1, 2, 3]);
});

test("details beyond 4 KiB are left out and the error still arrives", async (t) => {
  const { client } = await startEcho(t, {
    once: async () => {
      throw new RpcError(RpcCode.NOT_FOUND, "x".repeat(10_000), {
        reason: { reason: "ManagedObjectNotFound", domain: "d" },
        details: [{ typeUrl: typeUrl("a.Big"), value: new Uint8Array(5_000) }],
      });
    },
  });
  const error = await client.once({ text: "x" }).then(() => assert.fail(), (reason: unknown) => reason);
  assert.ok(RpcError.is(error, RpcCode.NOT_FOUND));
  assert.equal(error.reason?.reason, "ManagedObjectNotFound");
  assert.equal(error.details.length, 0);
  assert.equal(error.message.length, 2_048);
});

test("text that no header can carry is repaired", async (t) => {
  const { client } = await startEcho(t, {
    once: async () => {
      throw new RpcError(RpcCode.NOT_FOUND, "half a pair \ud800, 100% \r\n");
    },
  });
  await assert.rejects(client.once({ text: "x" }), { code: RpcCode.NOT_FOUND, message: "half a pair \ufffd, 100% \r\n" });
});

test("what is no RpcError becomes INTERNAL without a stack and is logged with one", async (t) => {
  const logged: object[] = [];
  const log: Logger = { ...silentLogger, error: (fields) => void logged.push(fields) };
  const { client } = await startEcho(t, { once: async () => Promise.reject(new TypeError("secret path /home")) }, { log });
  const error = await client.once({ text: "x" }).then(() => assert.fail(), (reason: unknown) => reason);
  assert.ok(RpcError.is(error, RpcCode.INTERNAL));
  assert.equal(error.message, "internal error in echo (/test.v1.EchoService/Once); its log says more");
  assert.ok((logged[0] as { err: Error }).err instanceof TypeError);
});

test("a method without a handler is named", async (t) => {
  const { client } = await startEcho(t, {});
  await assert.rejects(client.once({ text: "x" }), { code: RpcCode.UNIMPLEMENTED, message: "method /test.v1.EchoService/Once of echo is not implemented" });
  await assert.rejects(client.many({ text: "x" })[Symbol.asyncIterator]().next(), { code: RpcCode.UNIMPLEMENTED, message: "method /test.v1.EchoService/Many of echo is not implemented" });
  await assert.rejects(client.join().end(), { code: RpcCode.UNIMPLEMENTED });
  await assert.rejects(client.chat()[Symbol.asyncIterator]().next(), { code: RpcCode.UNIMPLEMENTED });
});

test("authority, metadata, trace, deadline and peer reach the handler", async (t) => {
  let seen: Pick<Call, "authority" | "peer" | "trace" | "path"> & { header: string | undefined; deadlineMs: number | undefined } = assert.fail as never;
  const { client, server } = await startEcho(t, {
    once: async (note, call) => {
      seen = { authority: call.authority, peer: call.peer, trace: call.trace, path: call.path, header: call.header("x-one"), deadlineMs: call.deadlineMs };
      return note;
    },
  });
  const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  await client.once({ text: "x" }, { authority: "esxi-01.spheresim.test", metadata: { "x-one": "1" }, trace, deadlineMs: 600_000 });
  assert.equal(seen.authority, "esxi-01.spheresim.test");
  assert.equal(seen.header, "1");
  assert.equal(seen.path, "/test.v1.EchoService/Once");
  assert.deepEqual(seen.trace, trace);
  assert.match(seen.peer, /^127\.0\.0\.1:\d+$/);
  assert.ok(seen.deadlineMs !== undefined && seen.deadlineMs > 300_000 && seen.deadlineMs <= 600_000);

  await client.once({ text: "x" });
  assert.equal(seen.authority, "127.0.0.1");
  assert.equal(seen.trace, undefined);
  assert.ok(server.port > 0);
});

test("a client that gives up aborts the handler's signal", async (t) => {
  const reasons: unknown[] = [];
  const entered = deferred<void>();
  const aborted = deferred<void>();
  const { client } = await startEcho(t, {
    once: async (note, call) => {
      call.signal.addEventListener("abort", () => {
        reasons.push(call.signal.reason);
        aborted.resolve();
      });
      entered.resolve();
      await aborted.promise;
      return note;
    },
  });
  const giveUp = new AbortController();
  const answer = client.once({ text: "x" }, { signal: giveUp.signal });
  const rejected = assert.rejects(answer, { code: RpcCode.CANCELLED });
  await entered.promise;
  giveUp.abort();
  await rejected;
  await aborted.promise;
  assert.ok(RpcError.is(reasons[0], RpcCode.CANCELLED));
  await assert.rejects(client.once({ text: "x" }, { signal: giveUp.signal }), { code: RpcCode.CANCELLED });
});

test("a deadline aborts the handler's signal and ends the call", async (t) => {
  const aborted = deferred<unknown>();
  const { client } = await startEcho(t, {
    once: async (note, call) => {
      call.signal.addEventListener("abort", () => aborted.resolve(call.signal.reason));
      await aborted.promise;
      return note;
    },
  });
  await assert.rejects(client.once({ text: "x" }, { deadlineMs: 50 }), { code: RpcCode.DEADLINE_EXCEEDED });
  assert.ok(await aborted.promise instanceof RpcError);
});

test("a signal is not aborted by the call's own good end", async (t) => {
  let signal: AbortSignal | undefined;
  const { client } = await startEcho(t, {
    once: async (note, call) => {
      signal = call.signal;
      return note;
    },
  });
  await client.once({ text: "x" });
  await client.once({ text: "y" });
  assert.equal(signal?.aborted, false);
});

test("a message above the limit is refused", async (t) => {
  const { client } = await startEcho(t, { once: async (note) => ({ text: String(note.text.length) }) }, { maxReceiveBytes: 1_000 });
  assert.equal((await client.once({ text: "x".repeat(500) })).text, "500");
  await assert.rejects(client.once({ text: "x".repeat(2_000) }), { code: RpcCode.RESOURCE_EXHAUSTED });
});

test("nobody listens: UNAVAILABLE", async (t) => {
  const { client, server } = await startEcho(t, { once: async (note) => note });
  await server.close();
  await assert.rejects(client.once({ text: "x" }), { code: RpcCode.UNAVAILABLE });
});
