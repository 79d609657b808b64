import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { type Logger, silentLogger } from "../../src/base/log.js";
import type { PlanePlan } from "../../src/daemon/plane-plan.js";
import { PlaneProcess } from "../../src/daemon/plane-process.js";
import { eventually } from "../support/eventually.js";

const plane = { name: "store", rooms: ["etcd"] } as const;
const plan = { ...plane } as unknown as PlanePlan;

const forked = (execPath = process.execPath): ChildProcess => fork(join(import.meta.dirname, "ready-plane.js"), { execPath, stdio: ["ignore", "ignore", "inherit", "ipc"] });
const notForked = (): ChildProcess => forked("/none/node");
const refused = (): ChildProcess => {
  throw new Error("spawn ENOMEM");
};

test("a plane whose fork fails on its revival is tried again with back-off until there is one", async () => {
  const monotonic = new ManualClock();
  const said: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_, message) => void said.push(message ?? "") };
  const forks = [forked, notForked, refused, forked];
  const child = new PlaneProcess(plane, monotonic, log, () => (forks.shift() ?? refused)());
  try {
    await child.start(plan);
    const first = child.pid ?? assert.fail("no process");
    process.kill(first, "SIGKILL");
    for (const [delayMs, why] of [[200, "SIGKILL"], [400, "spawn /none/node ENOENT"], [800, "spawn ENOMEM"]] as const) {
      await eventually(why, () => said.at(-1) === `process store ended (${why}); starting it again`);
      await monotonic.advance(delayMs - 1);
      const left = forks.length;
      await monotonic.advance(1);
      assert.equal(forks.length, left - 1, why);
    }
    await eventually("it is there again", () => child.pid !== undefined && child.pid !== first);
  } finally {
    await child.stop();
  }
  assert.equal(monotonic.waiting, 0);
});

test("a plane that cannot be forked at first fails the start", async () => {
  for (const [fail, why] of [[notForked, "spawn /none/node ENOENT"], [refused, "spawn ENOMEM"]] as const) {
    const child = new PlaneProcess(plane, new ManualClock(), silentLogger, fail);
    await assert.rejects(child.start(plan), { message: `process store: ${why}` });
    await child.stop();
  }
});

test("a plane that does not answer when it shall flush, or is not there, holds the end up for 2 s at most", async () => {
  const monotonic = new ManualClock();
  const child = new PlaneProcess(plane, monotonic, silentLogger, () => forked());
  try {
    await child.flush();
    await child.start(plan);
    const flushed = child.flush();
    await monotonic.advance(2_000);
    await flushed;
    const again = child.flush();
    process.kill(child.pid ?? assert.fail("no process"), "SIGKILL");
    await again;
  } finally {
    await child.stop();
  }
  assert.equal(monotonic.waiting, 0);
});
