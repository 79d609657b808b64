import { isFullyAutomated } from "../drs-running/drs-passes.js";
import type { Mover } from "./evacuation.js";
import type { Inventory } from "../inventory/inventory.js";
import type { Migrations } from "../machines/migrations.js";

/** DRS as it empties a host: by itself where it is on and fully automated, to the host it finds best. */
export function drsMover(inventory: Inventory, migrations: Migrations): Mover {
  return {
    isAutomatic: ({ cluster }) => isFullyAutomated(inventory.cluster(cluster).drsConfig),
    move: (vm, parent) => migrations.migrate(vm, { parent }),
  };
}
