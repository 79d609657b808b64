import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { startEcho } from "./echo-server.js";
import type { Note } from "./echo-service.js";

async function collect(notes: AsyncIterable<Note>): Promise<string[]> {
  const texts: string[] = [];
  for await (const note of notes) texts.push(note.text);
  return texts;
}

test("a server stream arrives in order and ends", async (t) => {
  const { client } = await startEcho(t, {
    many: async (note, stream) => {
      for (let index = 0; index < (note.count ?? 0); index += 1) await stream.write({ text: `${note.text}${index}` });
    },
  });
  assert.deepEqual(await collect(client.many({ text: "n", count: 4 })), ["n0", "n1", "n2", "n3"]);
  assert.equal((await collect(client.many({ text: "n", count: 500 }))).length, 500);
});

test("a server stream that fails gives what came before and then the error", async (t) => {
  const { client } = await startEcho(t, {
    many: async (note, stream) => {
      await stream.write(note);
      throw new RpcError(RpcCode.OUT_OF_RANGE, "too old", { reason: { reason: "InvalidCollectorVersion", domain: "d" } });
    },
  });
  const stream = client.many({ text: "first" })[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.text, "first");
  const error = await stream.next().then(() => assert.fail(), (reason: unknown) => reason);
  assert.ok(RpcError.is(error, RpcCode.OUT_OF_RANGE));
  assert.equal(error.reason?.reason, "InvalidCollectorVersion");
});

test("a slow reader holds the writer back instead of filling memory", async (t) => {
  let written = 0;
  const stopped = deferred<void>();
  const { client } = await startEcho(t, {
    many: async (note, stream) => {
      try {
        for (; written < 2_000; written += 1) await stream.write({ text: note.text });
      } finally {
        stopped.resolve();
      }
    },
  });
  const text = "x".repeat(64 * 1024);
  const stream = client.many({ text })[Symbol.asyncIterator]();
  await stream.next();
  // The reader stands still. The writer comes to a halt; wait until it no longer moves.
  let before = -1;
  while (before !== written) {
    before = written;
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(written < 200, `wrote ${written} messages of 64 KiB to a reader that read one`);
  // Reading on lets it move on.
  for (let index = 0; index < 100; index += 1) await stream.next();
  assert.ok(written > 80);
  await stream.return?.(undefined);
  await stopped.promise;
  assert.ok(written < 2_000);
});

test("leaving the loop cancels the call and the writer throws", async (t) => {
  const left = deferred<unknown>();
  const { client } = await startEcho(t, {
    many: async (note, stream, call) => {
      await stream.write(note);
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
      assert.ok(stream.gone);
      left.resolve(await stream.write(note).catch((error: unknown) => error));
    },
  });
  for await (const note of client.many({ text: "x" })) {
    assert.equal(note.text, "x");
    break;
  }
  assert.ok(RpcError.is(await left.promise, RpcCode.CANCELLED));
});

test("a signal ends a stream that is being read", async (t) => {
  const { client } = await startEcho(t, {
    many: async (note, stream, call) => {
      await stream.write(note);
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
    },
  });
  const stop = new AbortController();
  const reading = (async () => {
    for await (const note of client.many({ text: "x" }, { signal: stop.signal })) {
      assert.equal(note.text, "x");
      stop.abort();
    }
  })();
  await assert.rejects(reading, { code: RpcCode.CANCELLED });
});

test("writing without waiting has a limit", async (t) => {
  const result = deferred<unknown>();
  const { client } = await startEcho(t, {
    many: async (note, stream) => {
      const writes = Array.from({ length: 2_000 }, () => stream.write({ text: note.text }));
      const outcomes = await Promise.allSettled(writes.slice(-1));
      result.resolve((outcomes[0] as PromiseRejectedResult).reason);
      await Promise.allSettled(writes);
    },
  });
  const reading = collect(client.many({ text: "x" }));
  assert.ok(RpcError.is(await result.promise, RpcCode.RESOURCE_EXHAUSTED));
  assert.equal((await reading).length, 1_024);
});

test("a client stream is read by the handler and answered", async (t) => {
  const { client } = await startEcho(t, { join: async (notes) => ({ text: (await collect(notes)).join("+") }) });
  const call = client.join();
  for (const text of ["a", "b", "c"]) await call.write({ text });
  assert.deepEqual(await call.end(), { text: "a+b+c" });
});

test("a client stream the server ends early tells its writer", async (t) => {
  const { client } = await startEcho(t, {
    join: async (notes) => {
      for await (const note of notes) throw new RpcError(RpcCode.ABORTED, `no ${note.text}`);
      return { text: "" };
    },
  });
  const call = client.join();
  await call.write({ text: "more" });
  await assert.rejects(call.response, { code: RpcCode.ABORTED, message: "no more" });
  await assert.rejects(call.write({ text: "again" }), { code: RpcCode.ABORTED });
});

test("a slow reading server holds a client stream back", async (t) => {
  const go = deferred<void>();
  const { client } = await startEcho(t, {
    join: async (notes) => {
      let read = 0;
      for await (const note of notes) {
        read += note.text.length > 0 ? 1 : 0;
        if (read === 1) await go.promise;
      }
      return { text: String(read) };
    },
  });
  const call = client.join();
  const text = "x".repeat(64 * 1024);
  let written = 0;
  const writing = (async () => {
    for (; written < 500; written += 1) await call.write({ text });
  })();
  let before = -1;
  while (before !== written) {
    before = written;
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(written < 200, `wrote ${written} messages to a server that read one`);
  go.resolve();
  await writing;
  assert.equal((await call.end()).text, "500");
});

test("both directions at once", async (t) => {
  const { client } = await startEcho(t, {
    chat: async (notes, stream) => {
      for await (const note of notes) await stream.write({ text: note.text.toUpperCase() });
      await stream.write({ text: "bye" });
    },
  });
  const chat = client.chat();
  const answers = chat[Symbol.asyncIterator]();
  for (const text of ["a", "b"]) {
    await chat.write({ text });
    assert.equal((await answers.next()).value?.text, text.toUpperCase());
  }
  chat.end();
  assert.equal((await answers.next()).value?.text, "bye");
  assert.equal((await answers.next()).done, true);
});

test("a handler may stop reading and still answer", async (t) => {
  const { client } = await startEcho(t, {
    chat: async (notes, stream) => {
      for await (const note of notes) {
        await stream.write(note);
        break;
      }
      await stream.write({ text: "after" });
    },
  });
  const chat = client.chat();
  await chat.write({ text: "one" });
  assert.deepEqual(await collect(chat), ["one", "after"]);
});

test("a client that goes away ends the handler's loop with CANCELLED", async (t) => {
  const ended = deferred<unknown>();
  const { client } = await startEcho(t, {
    chat: async (notes, stream) => {
      try {
        for await (const note of notes) await stream.write(note);
        ended.resolve("ended");
      } catch (error) {
        ended.resolve(error);
      }
    },
  });
  const chat = client.chat();
  await chat.write({ text: "one" });
  const answers = chat[Symbol.asyncIterator]();
  await answers.next();
  chat.cancel();
  assert.ok(RpcError.is(await ended.promise, RpcCode.CANCELLED));
  await assert.rejects(answers.next(), { code: RpcCode.CANCELLED });
});

test("close ends streams with UNAVAILABLE, lets a unary call finish and may be called twice", async (t) => {
  const entered = deferred<void>();
  const finish = deferred<void>();
  const { client, server } = await startEcho(t, {
    once: async (note) => {
      entered.resolve();
      await finish.promise;
      return note;
    },
    many: async (note, stream, call) => {
      await stream.write(note);
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
    },
  }, { closeLimitMs: 5_000 });
  const watch = client.many({ text: "x" })[Symbol.asyncIterator]();
  await watch.next();
  const answer = client.once({ text: "slow" });
  await entered.promise;
  const closing = server.close();
  await assert.rejects(watch.next(), { code: RpcCode.UNAVAILABLE, message: "the server is shutting down" });
  finish.resolve();
  assert.equal((await answer).text, "slow");
  await closing;
  await server.close();
});

test("close does not wait for a client stream that says nothing", async (t) => {
  const entered = deferred<void>();
  const { client, server } = await startEcho(t, {
    join: async (notes) => {
      entered.resolve();
      return { text: (await collect(notes)).join("+") };
    },
  }, { closeLimitMs: 3_600_000 });
  const call = client.join();
  await call.write({ text: "a" });
  await entered.promise;
  const closing = server.close();
  await assert.rejects(call.response, { code: RpcCode.UNAVAILABLE, message: "the server is shutting down" });
  await closing;
});

test("close cuts off what does not end in time", async (t) => {
  const entered = deferred<void>();
  const { client, server } = await startEcho(t, {
    once: () => {
      entered.resolve();
      return new Promise<Note>(() => undefined);
    },
  }, { closeLimitMs: 20 });
  const answer = assert.rejects(client.once({ text: "stuck" }), RpcError);
  await entered.promise;
  await server.close();
  await answer;
});
