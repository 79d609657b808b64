import type { Layout } from "./layout.js";
import type { Move } from "./pass-input.js";

/** Moves a VM on paper and tells how that changes the loads. */
export function moveOnPaper(layout: Layout, vm: number, to: number, { reason, rule, rating }: Pick<Move, "reason" | "rule" | "rating">): Move {
  const from = layout.hostOf[vm] as number;
  const resource = layout.cpuLoad(from) >= layout.memoryLoad(from) ? "cpu" : "memory";
  const load = (host: number): number => (resource === "cpu" ? layout.cpuLoad(host) : layout.memoryLoad(host));
  const [fromLoad, toLoad] = [load(from), load(to)];
  const difference = layout.load(from) - layout.load(to);
  layout.move(vm, to);
  return { vm, from, to, rating, reason, rule, resource, fromLoad, toLoad, fromLoadAfter: load(from), toLoadAfter: load(to), difference };
}
