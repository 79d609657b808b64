import assert from "node:assert/strict";
import { it } from "node:test";
import { deferred } from "../../src/base/deferred.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { hashKv } from "../../src/etcd/storage/hash-kv.js";
import { MemoryTable } from "../../src/etcd/storage/memory-table.js";
import { WHOLE } from "../../src/etcd/kv/read-view.js";
import { decodeRow } from "../../src/etcd/storage/row.js";
import { Store } from "../../src/etcd/kv/store.js";
import { MemoryCheckpoints } from "./memory-checkpoints.js";
import { PowerCutTable } from "./power-cut-table.js";
import { fc } from "../support/properties.js";

const RUNS = Number(process.env["SPHERESIM_ETCD_POWER_CUTS"] ?? 250);
const EVERYTHING = { start: "", end: undefined, single: false };

/** One change of the store; each takes the next revision. */
type Change =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly from: string; readonly to: string }
  | { readonly kind: "txn"; readonly key: string; readonly other: string; readonly value: string };
type Step = Change | { readonly kind: "compact"; readonly back: number } | { readonly kind: "wait" };

/** Runs a change and resolves with its revision, undefined if it changed nothing; `given` hears of the revision at once. */
function run(store: Store, change: Change, given: (revision: number) => void): Promise<number | undefined> {
  return store.write((txn) => {
    if (change.kind === "put") txn.put(change.key, Buffer.from(change.value), 0n);
    else if (change.kind === "delete") txn.delete({ start: change.from, end: change.to, single: false }, false);
    else {
      txn.delete({ start: change.other, end: `${change.other}\0`, single: true }, false);
      txn.put(change.key, Buffer.from(change.value), 0n);
    }
    if (txn.changes.length === 0) return undefined;
    given(txn.revision);
    return txn.revision;
  });
}

const texts = (store: Store, revision: number): string[] => store.rows(EVERYTHING, revision, WHOLE).rows.map(decodeRow).map((pair) => `${pair.key.toString()}=${pair.value.toString()} ${pair.createRevision}/${pair.modRevision}/${pair.version}`);

it(`loses nothing acknowledged when the power goes, in ${RUNS} random stories of several cuts each`, async () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e");
  const value = fc.constantFrom("x", "y", "z");
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("put" as const), key, value }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), from: key, to: key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("txn" as const), key, other: key, value }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.nat({ max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const) }) },
  );
  const life = fc.record({ steps: fc.array(step, { maxLength: 40 }), writes: fc.nat({ max: 25 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), fc.nat(), async (lives, seed) => {
      const dice = new Dice(seed);
      const checkpoints = new MemoryCheckpoints();
      let disk = new MemoryTable();
      /** The change that each revision is, by revision. */
      let story: Change[] = [];
      for (const { steps, writes } of lives) {
        const table = await PowerCutTable.on(disk);
        const store = await Store.open(table, { onFailure: assert.fail, checkpoints });
        const cut = deferred<void>();
        table.cutAfter(writes, () => cut.resolve());
        let [acknowledged, acknowledgedPoint] = [store.revision, store.compactRevision];
        for (const action of steps) {
          if (table.isCut) break;
          if (action.kind === "wait") await Promise.race([store.write(() => undefined), cut.promise]);
          else if (action.kind === "compact") {
            const point = store.revision - action.back;
            store.compact(point, false).then(() => (acknowledgedPoint = Math.max(acknowledgedPoint, point)), (error: unknown) => assert.ok(RpcError.is(error, RpcCode.OUT_OF_RANGE)));
          } else void run(store, action, (revision) => (story[revision] = action)).then((revision = 0) => (acknowledged = Math.max(acknowledged, revision)));
        }
        await Promise.race([store.write(() => undefined), cut.promise]);
        disk = await table.afterCut(dice);

        const found = await Store.open(disk, { onFailure: assert.fail, checkpoints });
        assert.ok(found.revision >= acknowledged, `revision ${found.revision} after ${acknowledged} was acknowledged`);
        assert.ok(found.compactRevision >= acknowledgedPoint, `compacted at ${found.compactRevision} after ${acknowledgedPoint} was acknowledged`);
        // What nobody was told of and is not there never happened.
        story = story.slice(0, found.revision + 1);
        const told = await retold(story, found.compactRevision);
        assert.equal(found.revision, told.revision);
        for (let revision = Math.max(1, found.compactRevision); revision <= found.revision; revision += 1) assert.deepEqual(texts(found, revision), texts(told, revision));
        assert.equal((await hashKv(found, 0)).hash, (await hashKv(told, 0)).hash);
        await Promise.all([told.close(), found.close()]);
      }
    }),
    { numRuns: RUNS },
  );
});

/** A store that did only these changes. */
async function retold(story: readonly Change[], compactRevision: number): Promise<Store> {
  const store = await Store.open(new MemoryTable(), { onFailure: assert.fail });
  for (let revision = 2; revision < story.length; revision += 1) {
    const change = story[revision];
    assert.ok(change !== undefined, `revision ${revision} is nobody's`);
    assert.equal(await run(store, change, () => undefined), revision);
  }
  if (compactRevision >= 0) await store.compact(compactRevision, true);
  return store;
}
