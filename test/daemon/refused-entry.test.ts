import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { UserError } from "../../src/base/user-error.js";
import { taken } from "../../src/daemon/fill-workloads.js";
import { RefusedEntry } from "../../src/daemon/refused-entry.js";

const directory = mkdtempSync(join(tmpdir(), "refused-entry-"));
after(() => rmSync(directory, { recursive: true }));

const file = join(directory, "lab.yaml");
writeFileSync(file, "hosts:\n  - {name: a.test}\nresourcePools:\n  - name: gold\n  - name: silver\n    reservationMb: 9000\n");

/** How an entry that vCenter refused is told. */
async function told(error: Error, field: readonly (string | number)[], path: string | undefined): Promise<readonly [string, string, string]> {
  const refused: unknown = await taken("pool silver", Promise.reject(error), field).catch((reason: unknown) => reason);
  assert.ok(refused instanceof RefusedEntry);
  const { kind, message, next } = refused.in(path);
  return [kind, message, next];
}

const full = new RpcError(RpcCode.RESOURCE_EXHAUSTED, "The pool is full.");
const mend = "change it in the inventory file";

test("a refusal names the file, the line and the entry, or the inventory alone where there is no file", async () => {
  assert.deepEqual(await told(full, ["resourcePools", 1], file), ["cannot-start", `inventory ${file}, line 5, resourcePools.1: vCenter refuses pool silver: The pool is full.`, mend]);
  assert.deepEqual(await told(full, ["resourcePools", 1], undefined), ["cannot-start", "inventory: vCenter refuses pool silver: The pool is full.", mend]);
});

test("what was found out before vCenter was asked keeps its words and its advice", async () => {
  const other = new UserError("cannot-start", "inventory: host a.test has 8 cores since it was added", "start anew");
  assert.deepEqual(await told(other, ["hosts", 0], file), ["cannot-start", `inventory ${file}, line 2, hosts.0: host a.test has 8 cores since it was added`, "start anew"]);
});

test("a file that is gone by now is named all the same; what passes is tried again", async () => {
  const gone = join(directory, "gone.yaml");
  assert.deepEqual(await told(full, ["resourcePools", 1], gone), ["cannot-start", `inventory ${gone}, resourcePools.1: vCenter refuses pool silver: The pool is full.`, mend]);
  const passing = new RpcError(RpcCode.UNAVAILABLE, "not yet");
  await assert.rejects(taken("pool silver", Promise.reject(passing), []), passing);
});
