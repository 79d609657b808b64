import { DrsBehavior } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { Mover } from "./evacuation.js";
import type { Inventory } from "./inventory.js";
import type { Migrations } from "./migrations.js";

/** DRS as it empties a host: by itself where it is on and fully automated, to the host it finds best. */
export function drsMover(inventory: Inventory, migrations: Migrations): Mover {
  return {
    isAutomatic: ({ cluster }) => {
      const { drsConfig } = inventory.cluster(cluster);
      return drsConfig?.enabled !== false && drsConfig?.defaultVmBehavior === DrsBehavior.FULLY_AUTOMATED;
    },
    move: (vm, parent) => migrations.migrate(vm, { parent }),
  };
}
