import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { isFullyAutomated } from "../drs-running/drs-passes.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import type { Inventory } from "../inventory/inventory.js";
import type { Migrations } from "../machines/migrations.js";
import type { HostChoice } from "../placement/host-choice.js";
import type { PlacementRules } from "../placement/placement-rules.js";
import type { VmRecord } from "../store/records.js";
import type { TaskRegistry } from "../tasks/task-registry.js";
import type { Mover } from "./evacuation.js";

/** What moving needs. */
export interface DrsMoverOptions {
  readonly inventory: Inventory;
  readonly tasks: TaskRegistry;
  readonly migrations: Pick<Migrations, "migrate">;
  readonly choice: Pick<HostChoice, "bestForAll">;
  readonly rules: Pick<PlacementRules, "keptTogetherWith">;
}

/**
 * DRS as it empties a host: by itself where it is on and fully automated, to the host it finds best. VMs that a rule keeps together leave
 * together, to one host that takes them all, or wait together; while one of them is elsewhere already, the others follow it.
 */
export function drsMover({ inventory, tasks, migrations, choice, rules }: DrsMoverOptions): Mover {
  /** Those that go along: all that run and are kept together with it, if all of them are ordinary VMs of its host. */
  const companions = (vm: VmRecord): readonly VmRecord[] => {
    if (inventory.runsOn(vm.moid) !== vm.host) return [];
    const others = rules.keptTogetherWith(vm.moid, inventory.host(vm.host).cluster).filter((other) => inventory.hostsOf(other).length > 0);
    const isHere = (other: string): boolean => inventory.hostsOf(other).every((host) => host === vm.host) && inventory.vm(other).config.guestId !== POD_GUEST_ID;
    return others.every(isHere) ? others.map((other) => inventory.vm(other)) : [];
  };

  return {
    isAutomatic: ({ cluster }) => isFullyAutomated(inventory.cluster(cluster).drsConfig),
    move: async (vm, parent): Promise<TaskInfo> => {
      const others = companions(vm);
      if (others.length === 0) return migrations.migrate(vm, { parent });
      const all = [vm, ...others];
      for (const { moid } of all) tasks.requireFree(moid);
      const host = choice.bestForAll(all.map(({ moid, config, wantedOn, isOn }) => ({ moid, config, runs: wantedOn || isOn, goesAhead: true })), inventory.host(vm.host).cluster, vm.host);
      // Each claims its place at once, before anything is stored: nobody comes between them.
      const [first, ...rest] = await Promise.allSettled(all.map((each) => migrations.migrate(each, { host, parent, goesAhead: true })));
      for (const result of [first, ...rest]) if (result?.status === "rejected") throw result.reason;
      if (first?.status !== "fulfilled") throw new Error(`${vm.moid} was not moved`);
      return first.value;
    },
  };
}
