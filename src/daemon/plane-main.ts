// Entry of a child process: loads the rooms its arguments name, takes its plan over the message channel, starts them, ends with its parent.
import { monotonicClock } from "../base/clock.js";
import { UserError } from "../base/user-error.js";
import { pinoLogger } from "../rpc/log.js";
import type { RoomName } from "./room-name.js";
import type { PlanePlan } from "./plane-plan.js";
import type { FlushRequest, PlaneMessage } from "./plane-process.js";
import { loadRooms } from "./rooms.js";
import { startRooms, type RunningRooms } from "./running-rooms.js";

const closeLimitMs = 4_000;

process.once("message", (plan: PlanePlan) => void run(plan));
// The plan takes a moment to come. Code that does not load says so when its room starts.
loadRooms(process.argv.slice(2) as RoomName[]).catch(() => undefined);

async function run(plan: PlanePlan): Promise<void> {
  const log = pinoLogger({ level: plan.options.logLevel, fields: { plane: plan.name } });
  process.title = `spheresim ${plan.name}`;
  // A room that throws where nobody catches is broken: the process ends, the parent says so and starts it again.
  const die = (error: unknown): void => {
    log.error({ error: error instanceof Error ? error.stack : String(error) }, `process ${plan.name} failed`);
    process.exit(1);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);
  let rooms: RunningRooms | undefined;
  const end = (code: number): void => {
    monotonicClock().timer(closeLimitMs, () => process.exit(code));
    void (rooms?.close() ?? Promise.resolve()).finally(() => process.exit(code));
  };
  process.once("disconnect", () => end(0));
  process.once("SIGTERM", () => end(0));
  process.on("SIGINT", () => undefined); // the terminal tells the whole group; the parent decides
  process.on("message", ({ kind }: FlushRequest) => {
    if (kind === "flush") void (rooms?.flush() ?? Promise.resolve()).catch(() => undefined).finally(() => say({ kind: "flushed" }));
  });
  try {
    rooms = await startRooms(plan, log);
    say({ kind: "ready" });
  } catch (error) {
    const known = error instanceof UserError;
    log.debug({ error: (error as Error).stack }, "start failed");
    say({ kind: "failed", exit: known ? error.kind : "cannot-start", message: (error as Error).message, next: known ? error.next : "" });
    process.exitCode = 3;
    process.disconnect();
  }
}

function say(message: PlaneMessage): void {
  process.send?.(message);
}
