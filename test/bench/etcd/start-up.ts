import { rmSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CheckpointFile } from "../../../src/etcd/storage/checkpoint-file.js";
import { KeyIndex } from "../../../src/etcd/key-index/key-index.js";
import { LevelTable } from "../../../src/etcd/storage/level-table.js";
import { Store } from "../../../src/etcd/kv/store.js";
import { spawnEtcd } from "../../etcd/spawned-etcd.js";
import { useOf } from "./contender.js";

/** How a server started on a full directory. */
export interface StartUp {
  /** From before its process is made until it listens. */
  readonly wallMs: number;
  /** User and system time of the process by then, all threads. */
  readonly cpuMs: number;
  readonly residentMb: number;
}

/** Changes that wait for one disk write while a store is filled. */
const FILL_AT_A_TIME = 4_000;
const VALUE = Buffer.alloc(256, "x");

/** A key of 32 bytes. */
function keyAt(index: number): string {
  return `/registry/things/${String(index).padStart(15, "0")}`;
}

/** Writes `revisions` puts of 256 bytes, round after round over `keys` keys of 32 bytes, and a checkpoint at the end. */
export async function fillDirectory(directory: string, revisions: number, keys: number): Promise<void> {
  const table = await LevelTable.open(directory);
  const onFailure = (error: Error): void => {
    throw error;
  };
  const store = await Store.open(table, { onFailure, checkpoints: new CheckpointFile(directory) });
  for (let done = 0; done < revisions; done += FILL_AT_A_TIME) {
    const writes = Array.from({ length: Math.min(FILL_AT_A_TIME, revisions - done) }, (_, index) => store.write((txn) => txn.put(keyAt((done + index) % keys), VALUE, 0n)));
    await Promise.all(writes);
  }
  await store.close();
  await table.close();
}

/** Takes the checkpoint away, so that the next start reads the whole log. */
export function dropCheckpoint(directory: string): void {
  rmSync(join(directory, "index.checkpoint"));
}

/** Starts ours on the directory and kills it once it listens, so that the directory stays as it is. */
export async function startUp(directory: string, nodeOptions: readonly string[] = []): Promise<StartUp> {
  const from = performance.now();
  const etcd = await spawnEtcd(directory, "127.0.0.1:0", nodeOptions);
  const wallMs = performance.now() - from;
  const use = useOf(etcd.pid);
  const result = { wallMs, cpuMs: use.cpuMs(), residentMb: use.residentMb() };
  await (nodeOptions.length === 0 ? etcd.kill() : etcd.end());
  return result;
}

/** Bytes of memory, in and beside the heap, that the index takes for each of `keys` keys of 32 bytes with one version, the key included. */
export function bytesPerKey(keys: number): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const before = memoryBytes();
  const index = new KeyIndex();
  // As the log gives them: texts of their own, not made of pieces.
  for (let at = 0; at < keys; at += 1) index.ensure(Buffer.from(keyAt(at)).toString("latin1")).put(at + 2, 0, at + 2, 1, 0n);
  collect();
  const after = memoryBytes();
  if (index.size !== keys) throw new Error("two keys were one");
  return (after - before) / keys;
}

function memoryBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
