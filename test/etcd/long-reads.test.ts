import assert from "node:assert/strict";
import { it } from "node:test";
import { RpcError } from "../../src/base/rpc-error.js";
import type { Slices } from "../../src/base/slices.js";
import { LongReads } from "../../src/etcd/kv/long-reads.js";

const forever = new AbortController();

it("gives one slice a turn to the long reads, in the order in which they asked (the example of its comment)", async () => {
  const done: string[] = [];
  function* work(name: string, slices: number): Slices<string> {
    for (let slice = 1; slice < slices; slice += 1) {
      done.push(name);
      yield;
    }
    done.push(name);
    return name;
  }
  const reads = new LongReads();
  assert.equal(reads.run(work("short", 1), forever), "short");
  let over = false;
  const turns = (async () => {
    for (; !over; await new Promise((resolve) => setImmediate(resolve))) done.push("|");
  })();
  const long = [reads.run(work("A", 4), forever), reads.run(work("B", 2), forever)];
  assert.deepEqual(await Promise.all(long.map(async (read) => read)), ["A", "B"]);
  over = true;
  await turns;
  assert.equal(done.join(" ").replace(/( \|)+$/, ""), "short | A B | A | B | A | A");
});

it("stops between two slices when nobody wants the answer any more, and lets go of what it held", async () => {
  const caller = new AbortController();
  const said: string[] = [];
  function* work(): Slices<void> {
    try {
      for (;;) {
        said.push("slice");
        yield;
      }
    } finally {
      said.push("let go");
    }
  }
  const read = new LongReads().run(work(), caller);
  caller.abort(RpcError.cancelled("gone"));
  await assert.rejects(async () => read, /gone/);
  assert.deepEqual(said, ["slice", "let go"]);
});

it("asks nobody for a signal while a read is short", () => {
  const caller = {
    get signal(): AbortSignal {
      throw new Error("asked");
    },
  };
  function* work(slices: number): Slices<string> {
    for (let slice = 1; slice < slices; slice += 1) yield;
    return "done";
  }
  assert.equal(new LongReads().run(work(1), caller), "done");
  assert.throws(() => new LongReads().run(work(2), caller), /asked/);
});
