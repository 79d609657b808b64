import { InvalidArgumentError, type Command } from "commander";
import { etcdHelpText, etcdVersionText, isEtcdCommandLine, readEtcdCommandLine, readOptions, type RoomName, roomNames, startRoom, startStandaloneEtcd } from "../daemon/index.js";
import { exitCodes } from "../base/user-error.js";
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
  command.addHelpText("after", ETCD_HELP);
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

const ETCD_HELP = `
serve etcd stands in for etcd itself: as soon as one argument is a flag that
only etcd has (--listen-client-urls ...), or an ETCD_* variable of one of its
flags is set, all arguments are read as etcd reads them, and none of the
options above are known.
  serve etcd --logger zap --help   lists etcd's flags
  scripts/etcd                     is an etcd for programs that start one
`;

/**
 * Runs `serve etcd` by etcd's own command line if the arguments mean that; resolves with false if they do not. The rule stands in ETCD_HELP.
 */
export async function serveAsEtcd([command, room, ...args]: readonly string[]): Promise<boolean> {
  if (command !== "serve" || room !== "etcd" || !isEtcdCommandLine(args, process.env)) return false;
  const values = readEtcdCommandLine(args, process.env);
  const said = values.get("help") === "true" ? etcdHelpText() : values.get("version") === "true" ? etcdVersionText() : undefined;
  if (said !== undefined) {
    process.stdout.write(said);
    return true;
  }
  const stop = stopRequest();
  const etcd = await startStandaloneEtcd(values, () => process.exit(exitCodes.failed));
  await stop.requested;
  await etcd.close();
  return true;
}
