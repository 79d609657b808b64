import assert from "node:assert/strict";
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";
import { configMaps } from "../../src/kubernetes/resource-type.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { ApiError } from "../../src/kubernetes/status.js";

type Answer = (stream: ServerHttp2Stream) => void;

/** A server that answers each request with the next of `answers`, and a client of it. */
async function setUp(t: TestContext, answers: readonly Answer[], clock = monotonicClock()) {
  const sessions = new Set<ServerHttp2Session>();
  let requests = 0;
  const server = createServer();
  server.on("session", (session) => void sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    const answer = answers[requests];
    requests += 1;
    assert.ok(answer !== undefined, "a request more than expected");
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new RestClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, userAgent: "test/1", clock });
  t.after(async () => {
    await client.close();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, requests: () => requests };
}

const head = { ":status": 200, "content-type": "application/json" };
const where = { namespace: "default", name: "a" };
const body = JSON.stringify({ metadata: { name: "a" }, data: { k: "Größe ✓" } });
const whole: Answer = (stream) => {
  stream.respond(head);
  stream.end(body);
};
/** Half an answer, then what `end` does. */
const half =
  (end: Answer): Answer =>
  (stream) => {
    stream.respond(head);
    stream.write(body.slice(0, 10), () => end(stream));
  };
const brokeOff = (error: unknown): boolean => error instanceof ApiError && error.isTransport && error.message.startsWith("the answer broke off");

test("an answer that comes in pieces is put together, characters cut in two as well", async (t) => {
  const pieces: Answer = (stream) => {
    stream.respond(head);
    for (const byte of Buffer.from(body)) stream.write(Buffer.of(byte));
    stream.end();
  };
  const { client } = await setUp(t, [pieces]);
  assert.equal((await client.get(configMaps, where)).data?.["k"], "Größe ✓");
});

// stream.close() would end the answer first, as if it were whole.
const ends: Readonly<Record<string, Answer>> = {
  "is reset": (stream) => void stream.destroy(new Error("reset")),
  "goes with its connection": (stream) => stream.session?.destroy(),
};

for (const [what, end] of Object.entries(ends)) {
  test(`an answer that ${what} half-way is no answer: a read is made again, a write fails`, async (t) => {
    const { client, requests } = await setUp(t, [half(end), whole, half(end)]);
    assert.equal((await client.get(configMaps, where)).data?.["k"], "Größe ✓");
    await assert.rejects(client.patch(configMaps, where, { type: "merge", body: { data: {} } }), brokeOff);
    assert.equal(requests(), 3);
  });
}

test("a write that the server refuses unread is made again", async (t) => {
  const { client, requests } = await setUp(t, [(stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM), whole]);
  await client.patch(configMaps, where, { type: "merge", body: { data: {} } });
  assert.equal(requests(), 2);
});

test("who aborts in the middle of an answer hears why at once, and the server hears of it", async (t) => {
  const clock = new ManualClock();
  let reset: (code: number) => void = () => undefined;
  const cancelled = new Promise<number>((resolve) => (reset = resolve));
  let begun: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (begun = resolve));
  const endless: Answer = (stream) => {
    stream.respond(head);
    stream.on("close", () => reset(stream.rstCode));
    stream.write(body.slice(0, 10), () => begun());
  };
  const { client } = await setUp(t, [endless], clock);
  const abort = new AbortController();
  const failed = assert.rejects(client.get(configMaps, where, { signal: abort.signal }), /^Error: enough$/);
  await started;
  abort.abort(new Error("enough"));
  await failed;
  assert.equal(await cancelled, constants.NGHTTP2_CANCEL);
  assert.equal(clock.waiting, 1, "nothing waits but the question whether the server is still there");
});

test("who aborts while a call waits for its next attempt hears why, and there is none", async (t) => {
  const clock = new ManualClock();
  let refused: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (refused = resolve));
  const busy: Answer = (stream) => {
    stream.on("close", () => refused());
    stream.respond({ ":status": 429, "retry-after": "1" });
    stream.end("slow down");
  };
  const { client, requests } = await setUp(t, [busy], clock);
  const abort = new AbortController();
  const failed = assert.rejects(client.get(configMaps, where, { signal: abort.signal }), /^Error: enough$/);
  await first;
  await clock.advance(500);
  abort.abort(new Error("enough"));
  await failed;
  await clock.advance(1_000);
  assert.equal(requests(), 1);
});

test("a call whose caller has aborted before is not sent", async (t) => {
  const { client, requests } = await setUp(t, []);
  await assert.rejects(client.get(configMaps, where, { signal: AbortSignal.abort(new Error("enough")) }), /^Error: enough$/);
  assert.equal(requests(), 0);
});

test("a watch that is refused tells what the server says", async (t) => {
  const gone: Answer = (stream) => {
    stream.respond({ ":status": 403, "content-type": "application/json" });
    stream.end(JSON.stringify({ kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message: "not for you" }));
  };
  const { client } = await setUp(t, [gone]);
  await assert.rejects(client.watch(configMaps, { resourceVersion: "1" }).next(), (error) => error instanceof ApiError && error.code === 403 && error.message === "not for you");
});
