import { InvalidArgumentError, type Command } from "commander";
import { readOptions, type RoomName, roomNames, startRoom } from "../daemon/index.js";
import { stopRequest, watchParent } from "./stop-request.js";
import { addUpOptions, givenOptions } from "./up-options.js";

/** `spheresim serve ROOM`: one room as a process of its own, with the addresses `up` with the same options would use. */
export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .description("run one room as a process of its own; rooms with the same --data-dir and ports find each other")
    .argument("<room>", `one of: ${roomNames.join(", ")}`, (text) => {
      if ((roomNames as readonly string[]).includes(text)) return text as RoomName;
      throw new InvalidArgumentError(`choose one of: ${roomNames.join(", ")}`);
    });
  addUpOptions(command).action(async (room: RoomName, flags: { readonly config?: string }) => {
    const options = readOptions(givenOptions({ ...flags }, []), process.env, flags.config);
    const stop = stopRequest();
    const unwatch = options.exitWithParent ? watchParent(stop.request) : undefined;
    try {
      const running = await startRoom(room, options);
      process.stdout.write(`${JSON.stringify({ ready: true, room, pid: process.pid, endpoints: running.endpoints })}\n`);
      await stop.requested;
      await running.close();
    } finally {
      unwatch?.();
    }
  });
}
