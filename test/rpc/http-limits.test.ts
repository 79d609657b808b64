import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { ManualClock, nextTurn } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RangeResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { KVService } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { KeyValue } from "../../src/gen/etcd/mvccpb/kv.js";
import { LiveCalls } from "../../src/rpc/call.js";
import { CallMetrics } from "../../src/rpc/call-metrics.js";
import { gatewayPage } from "../../src/rpc/gateway.js";
import { answer } from "../../src/rpc/http-answer.js";
import { HTTP_LIMITS, type HttpLimits } from "../../src/rpc/http-limits.js";
import { type HttpHandler, type Listener, openListener } from "../../src/rpc/listener.js";

const hello: HttpHandler = (_request, response) => answer(response, 200, {}, "hello");

async function withListener(limits: Partial<HttpLimits>, http: HttpHandler, run: (listener: Listener) => Promise<void>): Promise<void> {
  const listener = await openListener({ target: { host: "127.0.0.1", port: 0 }, plain: true, http, limits: { ...HTTP_LIMITS, ...limits } });
  try {
    await run(listener);
  } finally {
    listener.stop();
    listener.destroy();
  }
}

/** A gateway with one path, which gives this answer to one caller at a time. */
function gatewayOf(clock: ManualClock, response: RangeResponse): HttpHandler {
  return gatewayPage(
    {
      routes: [{ path: "/range", method: "/etcdserverpb.KV/Range" }],
      services: [{ definition: { range: KVService.range }, handlers: { range: () => response } }],
      maxBytes: 1_000,
      maxCalls: 1,
      requestLimitMs: 60_000,
      stallLimitMs: 60_000,
      clock,
      live: new LiveCalls(),
      calls: new CallMetrics(),
      log: silentLogger,
    },
    hello,
  );
}

/** All that a connection says until it is closed, after it was sent so much. */
async function said({ port }: Listener, sent: string): Promise<string> {
  const connection = connect({ host: "127.0.0.1", port }).on("error", () => undefined);
  connection.write(sent);
  return text(connection);
}

test("a connection that says nothing, and one that does not finish its headers, are closed", async () => {
  await withListener({ firstBytesMs: 10, headersMs: 20, checkMs: 5 }, hello, async (listener) => {
    assert.equal(await said(listener, ""), "");
    assert.match(await said(listener, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "), /^HTTP\/1.1 408 Request Timeout\r\n/);
  });
});

test("a connection that asks nothing more is closed", async () => {
  await withListener({ idleMs: 10 }, hello, async (listener) => {
    assert.match(await said(listener, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /^HTTP\/1.1 200 OK\r\n[^]*hello$/);
  });
});

test("a body that does not end after the answer is not waited for", async () => {
  await withListener({ lingerMs: 10 }, hello, async (listener) => {
    assert.match(await said(listener, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"), /hello$/);
  });
});

test("connections beyond the limit are closed", async () => {
  await withListener({ maxConnections: 1 }, hello, async (listener) => {
    const first: Socket = connect({ host: "127.0.0.1", port: listener.port });
    first.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(first, "data");
    assert.equal(await said(listener, "GET / HTTP/1.1\r\n\r\n"), "");
    first.destroy();
  });
});

test("a client that does not read its answer is left", async () => {
  const clock = new ManualClock();
  const kvs = Array.from({ length: 300 }, () => KeyValue.create({ value: Buffer.alloc(100_000) }));
  await withListener({}, gatewayOf(clock, RangeResponse.create({ kvs })), async ({ port }) => {
    const connection = connect({ host: "127.0.0.1", port });
    connection.write("POST /range HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    await once(connection, "readable");
    // Until nothing more can be sent, the waits are short: a turn in which one begins and none ends is the last.
    for (let waits = 0; waits < 100; waits = clock.waiting > 0 ? waits + 1 : 0) await nextTurn();
    await clock.advance(60_000);
    const read = (await buffer(connection.on("error", () => undefined)).catch(() => Buffer.alloc(0))).length;
    assert.ok(read < 40_000_000, String(read));
  });
});

test("a call whose JSON does not arrive is refused, and takes no place meanwhile", async () => {
  const clock = new ManualClock();
  const gateway = gatewayOf(clock, RangeResponse.create({ count: 7n }));
  let asked: () => void = () => undefined;
  const http: HttpHandler = (request, response) => {
    gateway(request, response);
    asked();
  };
  await withListener({ lingerMs: 10 }, http, async (listener) => {
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const slow = said(listener, 'POST /range HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"key":');
    await arrived;
    assert.match(await said(listener, 'POST /range HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}'), /\{"count":"7"\}$/);
    await clock.advance(60_000);
    assert.match(await slow, /^HTTP\/1.1 408 Request Timeout\r\n[^]*"message":"the request was not there after 60000 ms"\}$/);
  });
});

test("an upgrade to WebSocket is refused by name, one to another protocol is left out of account", async () => {
  await withListener({}, gatewayOf(new ManualClock(), RangeResponse.create()), async (listener) => {
    const refusal = await said(listener, "GET /range HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert.match(refusal, /^HTTP\/1.1 501 Not Implemented\r\n[^]*streams over WebSocket are not served here; POST the requests to the same path\n$/);
    assert.match(await said(listener, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n"), /hello$/);
  });
});
