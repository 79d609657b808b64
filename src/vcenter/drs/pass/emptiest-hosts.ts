import type { Layout } from "./layout.js";
import { HostRole, type PassInput } from "./pass-input.js";

/** The hosts that take VMs and are loaded less than `below`, at most so many, the least loaded first. With few of many it does not sort all. */
export function emptiestHosts(input: PassInput, layout: Layout, most: number, below = Infinity): number[] {
  if (most === Infinity) {
    const all = Array.from(input.hosts.role.keys()).filter((host) => layout.load(host) < below && input.hosts.role[host] === HostRole.TAKES);
    return all.sort((left, right) => layout.load(left) - layout.load(right));
  }
  const emptiest: number[] = [];
  let limit = below;
  for (let host = 0; host < layout.hostCount; host += 1) {
    const load = layout.load(host);
    if (load >= limit || input.hosts.role[host] !== HostRole.TAKES) continue;
    let at = emptiest.length;
    while (at > 0 && layout.load(emptiest[at - 1] as number) > load) at -= 1;
    emptiest.splice(at, 0, host);
    if (emptiest.length > most) emptiest.pop();
    if (emptiest.length === most) limit = layout.load(emptiest[most - 1] as number);
  }
  return emptiest;
}
