import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { stringify } from "yaml";
import type { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { grpcClientName, tlsDirectory, tlsFiles } from "../rpc/tls.js";
import { addConnectionOptions } from "./connection-options.js";
import { connect, type ConnectionOptions } from "./connection.js";

type Variables = Readonly<Record<string, string>>;

/** What says how etcdctl speaks to an etcd: of another one, nothing of it may stay. */
const etcdctlSettings = ["ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY", "ETCDCTL_USER", "ETCDCTL_PASSWORD"];

/** An environment with what other programs need to find an emulator, and without what would lead them to another. */
export function pointedAt(info: Info, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !etcdctlSettings.includes(name));
  return { ...Object.fromEntries(others), ...environmentOf(info) };
}

/** What other programs need to find an emulator, as environment variables. */
function environmentOf(info: Info): Variables {
  const variables: Record<string, string> = { KUBECONFIG: info.kubeconfig, SPHERESIM_DATA_DIR: info.dataDir };
  for (const [room, address] of Object.entries(info.endpoints)) variables[`SPHERESIM_${room.toUpperCase()}`] = address;
  if (info.endpoints["etcd"] !== undefined) {
    variables["ETCDCTL_API"] = "3";
    variables["ETCDCTL_ENDPOINTS"] = info.endpoints["etcd"];
    Object.assign(variables, etcdctlCertificates(info.dataDir));
  }
  return variables;
}

/** With `--tls` the certificate that etcdctl must show; without it none. */
function etcdctlCertificates(dataDir: string): Variables {
  const directory = tlsDirectory(dataDir);
  const { cert, key } = tlsFiles(directory, grpcClientName);
  if (!existsSync(cert)) return {};
  return { ETCDCTL_CACERT: tlsFiles(directory, "ca").cert, ETCDCTL_CERT: cert, ETCDCTL_KEY: key };
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
