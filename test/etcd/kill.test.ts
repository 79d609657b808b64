import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { Dice } from "../../src/base/seeded-random.js";
import { RpcError } from "../../src/base/rpc-error.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { spawnEtcd } from "./spawned-etcd.js";

const ROUNDS = Number(process.env["SPHERESIM_ETCD_KILLS"] ?? 4);
const WRITERS = 8;
const KEYS_PER_WRITER = 5;

/** What a writer knows of a key: the last value that was acknowledged, and the one after it whose fate is unknown. */
interface Known {
  acknowledged: string | undefined;
  acknowledgedRevision: number;
  maybe: string | undefined;
}

it(`loses no acknowledged write and breaks no watch when it is killed, ${ROUNDS} times`, { timeout: 600_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-kill-"));
  const dice = new Dice("kill");
  const known = new Map<string, Known>();
  let server = await spawnEtcd(directory);
  const { address } = server;
  // One client over all rounds: its watch has to survive every kill.
  const watcher = new EtcdClient({ endpoints: [address], deadlineMs: 30_000 });
  const stop = new AbortController();
  const seen: { key: string; revision: number }[] = [];
  const watching = (async () => {
    for await (const { events } of watcher.watch({ prefix: "/", fromRevision: 2, signal: stop.signal })) {
      for (const { key, revision } of events) seen.push({ key, revision });
      if (events.at(-1)?.key === "/end") return;
    }
  })();
  try {
    let lastRevision = 1;
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = new EtcdClient({ endpoints: [address], deadlineMs: 2_000 });
      const killAfter = 40 + dice.int(400);
      let acknowledged = 0;
      let killed: Promise<void> | undefined;
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, writer) => {
          for (let count = 0; killed === undefined; count += 1) {
            const key = `/w${writer}/${count % KEYS_PER_WRITER}`;
            const value = `${round}.${count}`;
            const state = known.get(key) ?? { acknowledged: undefined, acknowledgedRevision: 0, maybe: undefined };
            known.set(key, state);
            state.maybe = value;
            try {
              state.acknowledgedRevision = await client.put(key, value);
              state.acknowledged = value;
              state.maybe = undefined;
            } catch (error) {
              assert.ok(error instanceof RpcError, String(error));
              return;
            }
            acknowledged += 1;
            if (acknowledged === killAfter) killed = server.kill();
          }
        }),
      );
      await killed;
      client.close();
      server = await spawnEtcd(directory, address);

      const check = new EtcdClient({ endpoints: [address], deadlineMs: 30_000 });
      const { pairs, revision } = await check.list("/");
      const stored = new Map(pairs.map((pair) => [pair.key, pair]));
      for (const [key, state] of known) {
        const value = stored.get(key)?.value.toString();
        assert.ok(value === state.acknowledged || value === state.maybe, `${key} is ${value}, acknowledged ${state.acknowledged}, unknown ${state.maybe}`);
        assert.ok(state.acknowledged === undefined || (stored.get(key)?.modRevision ?? 0) >= state.acknowledgedRevision, `${key} went back`);
        Object.assign(state, { acknowledged: value, acknowledgedRevision: stored.get(key)?.modRevision ?? 0, maybe: undefined });
      }
      assert.ok(revision >= lastRevision, "the revision went back");
      lastRevision = revision;
      check.close();
    }

    const end = new EtcdClient({ endpoints: [address] });
    const last = await end.put("/end", "");
    end.close();
    await watching;
    // Every revision has exactly one put here, so a watch without hole and repetition counts from 2 to the end.
    assert.deepEqual(seen.map(({ revision }) => revision), Array.from({ length: last - 1 }, (_, index) => index + 2));
  } finally {
    stop.abort();
    await watching;
    watcher.close();
    await server.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});
