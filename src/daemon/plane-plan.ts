import type { Addresses } from "./addresses.js";
import type { OwnImages } from "./image-profiles.js";
import type { Inventory } from "./inventory.js";
import type { UpOptions } from "./options.js";
import type { RoomName } from "./room-name.js";

/** All that a process needs to start its rooms; travels to child processes as one message. */
export interface PlanePlan extends OwnImages {
  /** Name of the process. */
  readonly name: string;
  /** Rooms it runs, in the order in which they start. */
  readonly rooms: readonly RoomName[];
  readonly options: UpOptions;
  readonly addresses: Addresses;
  /** Where etcd answers: the embedded store or a real cluster. */
  readonly etcdEndpoints: readonly string[];
  readonly inventory: Inventory;
  /** How often an emulator was started on this data directory. */
  readonly startCount: number;
  /** How often this process was started again within this start. */
  readonly restarts: number;
}
