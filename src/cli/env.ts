import { type Command, Option } from "commander";
import { stringify } from "yaml";
import type { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";

type Variables = Readonly<Record<string, string>>;

/** What other programs need to find an emulator, as environment variables. */
export function environmentOf(info: Info): Variables {
  const variables: Record<string, string> = { KUBECONFIG: info.kubeconfig, SPHERESIM_DATA_DIR: info.dataDir };
  for (const [room, address] of Object.entries(info.endpoints)) variables[`SPHERESIM_${room.toUpperCase()}`] = address;
  if (info.endpoints["etcd"] !== undefined) {
    variables["ETCDCTL_API"] = "3";
    variables["ETCDCTL_ENDPOINTS"] = info.endpoints["etcd"];
  }
  return variables;
}

function lines(variables: Variables, line: (name: string, value: string) => string): string {
  return Object.entries(variables).map(([name, value]) => `${line(name, value)}\n`).join("");
}

/** How the variables are written, by the name of the form. */
const forms = {
  shell: (variables: Variables) => lines(variables, (name, value) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`),
  fish: (variables: Variables) => lines(variables, (name, value) => `set -gx ${name} '${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  dotenv: (variables: Variables) => lines(variables, (name, value) => `${name}=${value}`),
  json: (variables: Variables) => `${JSON.stringify(variables, null, 2)}\n`,
  yaml: (variables: Variables) => stringify(variables),
};

interface EnvFlags extends ConnectionOptions {
  readonly output: keyof typeof forms;
}

/** `spheresim env`: shell exports, for `eval "$(spheresim env)"`. */
export function addEnv(program: Command): void {
  const command = program
    .command("env")
    .description('variables that point kubectl, etcdctl and spheresim at an emulator: eval "$(spheresim env)"')
    .addOption(new Option("-o, --output <form>", "how they are written").choices(Object.keys(forms)).default("shell"));
  addConnectionOptions(command).action(async (flags: EnvFlags) => {
    const connection = await connect(flags, process.env);
    connection.close();
    process.stdout.write(forms[flags.output](environmentOf(connection.info)));
  });
}
