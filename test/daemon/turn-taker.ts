// A process that takes its turn on a directory again and again; it fails when it meets another one inside.
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { monotonicClock } from "../../src/base/clock.js";
import { inTurn } from "../../src/daemon/data-directory.js";

const [directory, turns] = process.argv.slice(2) as [string, string];
for (let turn = 0; turn < Number(turns); turn++) {
  await inTurn(directory, monotonicClock(), async () => {
    const inside = join(directory, "inside");
    mkdirSync(inside);
    await new Promise((resolve) => setImmediate(resolve));
    rmdirSync(inside);
  });
}
