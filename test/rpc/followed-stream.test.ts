import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { followStream } from "../../src/rpc/followed-stream.js";

test("resumes where it stood, begins anew when the token is too old, ends when closed", async () => {
  const clock = new ManualClock();
  const told: string[] = [];
  // What each opening of the watch gives before it breaks.
  const openings: (readonly string[] | "too old" | "open")[] = [["1", "2"], "too old", ["3"], "open"];
  const stream = followStream<{ readonly resumeToken: string }>({
    name: "numbers",
    async *open(token, signal) {
      told.push(`open ${token}`);
      const opening = openings.shift();
      if (opening === "too old") throw new RpcError(RpcCode.OUT_OF_RANGE, "too old");
      if (opening === "open") await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      else for (const resumeToken of opening ?? []) yield { resumeToken };
      throw RpcError.unavailable("broken");
    },
    onChange: ({ resumeToken }) => void told.push(resumeToken),
    onRestart: () => void told.push("restart"),
    clock,
    dice: new Dice(1),
    log: silentLogger,
  });
  await clock.advance(10_000);
  assert.deepEqual(told, ["restart", "open ", "1", "2", "open 2", "restart", "open ", "3", "open 3"]);
  await stream.close();
  assert.equal(clock.waiting, 0);
});
