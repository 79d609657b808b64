import type { Command } from "commander";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";
import type { Info } from "../gen/spheresim/emulator/v1/emulator.js";

/** What other programs need to find an emulator, as environment variables. */
export function environmentOf(info: Info): Record<string, string> {
  const variables: Record<string, string> = { KUBECONFIG: info.kubeconfig, SPHERESIM_DATA_DIR: info.dataDir };
  for (const [room, address] of Object.entries(info.endpoints)) variables[`SPHERESIM_${room.toUpperCase()}`] = address;
  if (info.endpoints["etcd"] !== undefined) {
    variables["ETCDCTL_API"] = "3";
    variables["ETCDCTL_ENDPOINTS"] = info.endpoints["etcd"];
  }
  return variables;
}

/** `spheresim env`: shell exports, for `eval "$(spheresim env)"`. */
export function addEnv(program: Command): void {
  addConnectionOptions(program.command("env").description('shell exports that point other programs at an emulator: eval "$(spheresim env)"')).action(async (flags: ConnectionOptions) => {
    const connection = await connect(flags, process.env);
    connection.close();
    for (const [name, value] of Object.entries(environmentOf(connection.info))) process.stdout.write(`export ${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  });
}
