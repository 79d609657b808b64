import { readdirSync, readFileSync } from "node:fs";

/** Process id of the child of `parent` that runs a plane or room, by the title it gives itself; undefined while there is none. Linux only. */
export function processOf(parent: number, name: string): number | undefined {
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const parentOf = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
      if (parentOf === parent && readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() === `spheresim ${name}`) return pid;
    } catch {
      // it ended while we looked
    }
  }
  return undefined;
}
