import type { Logger } from "../base/log.js";
import type { RoomName } from "./room-name.js";
import type { PlanePlan } from "./plane-plan.js";
import { roomContext } from "./room-context.js";
import { roomStarters, type RunningRoom } from "./rooms.js";

/** The rooms of one process. */
export interface RunningRooms {
  /** Hands the journal the steps and the API server the events that are held for them; comes before any process of the emulator is stopped, as they run in one of them. */
  flush(): Promise<void>;
  /** Stops them, the last started first. */
  close(): Promise<void>;
}

/** Starts the rooms of a plan in order; if one cannot start, those before it are stopped again. */
export async function startRooms(plan: PlanePlan, log: Logger): Promise<RunningRooms> {
  const context = await roomContext(plan, log);
  const running: Array<{ readonly name: RoomName; readonly room: RunningRoom }> = [];
  const close = async (): Promise<void> => {
    // First, while the journal and the API server may still run in this very process.
    await context.flush();
    for (const { name, room } of running.splice(0).reverse()) {
      await room.close().catch((error: unknown) => log.warn({ room: name, error: (error as Error).message }, "room did not close well"));
    }
    await context.close();
  };
  try {
    for (const name of plan.rooms) running.push({ name, room: await roomStarters[name](context.of(name)) });
    return { flush: () => context.flush(), close };
  } catch (error) {
    await close();
    throw error;
  }
}
