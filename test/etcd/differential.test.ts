import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import type { TableWrite } from "../../src/etcd/storage/table.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { runDifferential } from "./differential/differential-run.js";
import { minimize } from "./differential/minimize.js";
import { readSteps, type Step, stepText } from "./differential/step.js";
import { isSettled } from "./differential/version-differences.js";

const STEPS = 1_200;

/** Loses what was written in one of its writes. */
class ForgetfulTable extends MemoryTable {
  #writes = 0;

  override write(writes: TableWrite[], sync: boolean): Promise<void> {
    this.#writes += 1;
    return super.write(this.#writes === 70 ? [] : writes, sync);
  }
}

describe("beside the etcd that is installed", { skip: skipWithout("etcd"), timeout: 600_000 }, () => {
  it(`answers ${STEPS} random steps alike: calls, watches, histories and HashKV`, async () => {
    const [real, ours] = await Promise.all([startRealEtcd(), startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger })]);
    try {
      const { steps, epochs } = await runDifferential({ ours: ours.address, real: real.address, seed: "1", steps: STEPS, epochSteps: STEPS / 3, replays: 60, onProgress: () => undefined });
      assert.deepEqual([steps, epochs], [STEPS, 3]);
    } finally {
      await Promise.all([real.close(), ours.close()]);
    }
  });

  it("finds a server that loses one row of many", async () => {
    const [real, other] = await Promise.all([startRealEtcd(), startEtcd({ listen: "127.0.0.1:0", dataDir: new ForgetfulTable(), clock: monotonicClock(), log: silentLogger })]);
    try {
      await assert.rejects(runDifferential({ ours: other.address, real: real.address, seed: "1", steps: 300, epochSteps: 300, replays: 1, onProgress: () => undefined }), /step \d+ of seed "1"[^]*\n\{"kind"/);
    } finally {
      await Promise.all([real.close(), other.close()]);
    }
  });
});

describe("the tools of the differential run", () => {
  it("shorten a failing list to what makes it fail", async () => {
    const fewest = await minimize([1, 2, 3, 4, 5, 6], 100, async (list) => list.includes(2) && list.includes(5));
    assert.deepEqual(fewest, [2, 5]);
    assert.equal(await minimize([1], 100, async () => false), undefined);
  });

  it("know in which releases a difference is gone", () => {
    const settled = ["3.4.36", "3.4.40", "3.5.18", "3.6.0"];
    const open = ["3.3.27", "3.4.23", "3.5.16"];
    for (const version of settled) assert.ok(isSettled(version, ["3.4.36", "3.5.18"]), version);
    for (const version of open) assert.ok(!isSettled(version, ["3.4.36", "3.5.18"]), version);
  });

  it("print steps that can be read again", () => {
    const step: Step = { kind: "put", fields: { key: "b\xff\0", value: "1" } };
    assert.deepEqual(readSteps(`a line of talk\n${stepText(step)}\n`), [step]);
    assert.match(stepText(step), /^[ -~]+$/);
  });
});
