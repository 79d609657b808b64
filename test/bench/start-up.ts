import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicClock } from "../../src/base/clock.js";
import { projectDirectory } from "../../src/base/project-files.js";

const clock = monotonicClock();

/** Milliseconds from the command to its ready line, on a fresh directory. */
export async function startUpMs(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), "spheresim-bench-"));
  const fromMs = clock.nowMs();
  const child = spawn(process.execPath, [join("scripts", "spheresim.mjs"), "up", "--json", "--ports", "auto", "--data-dir", dataDir], { cwd: projectDirectory, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  try {
    const first = await Promise.race([once(child.stdout, "data").then(() => "ready"), ended.then(() => "ended")]);
    if (first === "ended") throw new Error("spheresim up ended before it was ready");
    return clock.nowMs() - fromMs;
  } finally {
    child.kill("SIGTERM");
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Milliseconds of `npm run demo -- --exit`, from the command to its end. Throws when a pod of it did not run. */
export async function demoMs(): Promise<number> {
  const fromMs = clock.nowMs();
  const child = spawn("npm", ["run", "--silent", "demo", "--", "--exit"], { cwd: projectDirectory, stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the demo ended with ${code}`);
  return clock.nowMs() - fromMs;
}
