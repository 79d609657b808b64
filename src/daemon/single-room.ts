import { monotonicClock } from "../base/clock.js";
import { UserError } from "../base/user-error.js";
import { pinoLogger } from "../rpc/log.js";
import { quietPorts } from "../rpc/port.js";
import { chooseAddresses, listenersOf } from "./addresses.js";
import { countStart, inTurn, makeDataDirectory } from "./data-directory.js";
import { readImageProfiles } from "./image-profiles.js";
import { defaultInventory, readInventory } from "./inventory.js";
import type { UpOptions } from "./options.js";
import type { RoomName } from "./room-name.js";
import type { PlanePlan } from "./plane-plan.js";
import { populate } from "./population.js";
import { startRooms } from "./running-rooms.js";

/** One room that runs in this process. */
export interface ServedRoom {
  /** What it listens on, by listener. */
  readonly endpoints: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Starts one room of an emulator whose other rooms run elsewhere with the same options. `vcenter` also fills the inventory, as soon as its
 * store answers.
 */
export async function startRoom(room: RoomName, options: UpOptions): Promise<ServedRoom> {
  const inventory = options.inventory === undefined ? defaultInventory(options.hosts) : readInventory(options.inventory);
  const addresses = await chooseAddresses(options, quietPorts);
  makeDataDirectory(options.dataDir);
  const { makeCredentials } = await import("./credential-maker.js");
  const startCount = await inTurn(options.dataDir, monotonicClock(), async () => {
    await makeCredentials(options.dataDir, inventory, options, addresses.apiserver);
    return countStart(options.dataDir);
  });
  const plan: PlanePlan = {
    name: room,
    rooms: [room],
    options,
    addresses,
    etcdEndpoints: options.etcdEndpoints.length > 0 ? options.etcdEndpoints : [addresses.etcd],
    inventory,
    ...readImageProfiles(options.imageProfiles),
    startCount,
    restarts: 0,
  };
  const log = pinoLogger({ level: options.logLevel, fields: { plane: room } });
  const rooms = await startRooms(plan, log).catch((error: unknown) => {
    throw error instanceof UserError ? error : new UserError("cannot-start", (error as Error).message);
  });
  let closed = false;
  if (room === "vcenter") void keepPopulating(plan, () => closed, (error) => log.warn({ error: error.message }, "the inventory is not complete yet"));
  return {
    endpoints: Object.fromEntries(listenersOf(room).map((listener) => [listener, addresses[listener]])),
    close: () => {
      closed = true;
      return rooms.close();
    },
  };
}

const againMs = 1_000;

async function keepPopulating(plan: PlanePlan, closed: () => boolean, failed: (error: Error) => void): Promise<void> {
  while (!closed()) {
    try {
      await populate([plan], pinoLogger({ level: plan.options.logLevel }));
      return;
    } catch (error) {
      if (closed()) return;
      failed(error as Error);
      await monotonicClock().sleep(againMs);
    }
  }
}
