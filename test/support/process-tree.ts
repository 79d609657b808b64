import { readdirSync, readFileSync } from "node:fs";

/** Ids of every process below `parent`, at any depth, that lives. Linux only. */
export function descendantsOf(parent: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const above = parentOf(pid);
    if (above !== undefined) children.set(above, [...(children.get(above) ?? []), pid]);
  }
  const found: number[] = [];
  for (const queue = [parent]; queue.length > 0; ) {
    const below = children.get(queue.shift() ?? 0) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return undefined; // it ended while we looked
  }
}

/** Whether a process lives; one that has ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
