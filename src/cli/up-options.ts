import { type Command, Option } from "commander";

/** The flags of `up` that describe an emulator; all can also stand in a YAML file and as SPHERESIM_*. */
const upOptions = [
  new Option("--name <name>", "name of the emulator (default: default)"),
  new Option("--data-dir <directory>", "directory of all state (default: $XDG_STATE_HOME/spheresim/<name>)"),
  new Option("--config <file>", "YAML file of these options"),
  new Option("--hosts <n>", "hosts of the default inventory (default: 4)"),
  new Option("--inventory <file>", "YAML inventory instead of the default one"),
  new Option("--image-profiles <file>", "YAML file of what images run, beside the built-in ones"),
  new Option("--profile <profile>", "how long the world takes: instant, article or supervisor-1.21 (default: instant)"),
  new Option("--seed <n>", "seed of ids, MACs and tie-breaks (default: 1)"),
  new Option("--ports <plan>", "block, standard (2379, 6443, 10250) or auto (default: block)"),
  new Option("--port-base <port>", "first port of the block (default: 7430)"),
  new Option("--without <rooms>", "rooms to leave out, with commas between"),
  new Option("--etcd-endpoints <addresses>", "a real etcd cluster instead of the embedded store, host:port with commas between"),
  new Option("--processes <plan>", "one, planes or rooms (default: planes)"),
  new Option("--decider <captain>", "who picks among the nodes that Kubernetes leaves: drs, or kubernetes alone (default: drs)"),
  new Option("--node-grace <duration>", "until a silent Node is NotReady (default: 40s)"),
  new Option("--pod-cidr <range>", "IPv4 range of the pods' addresses (default: 10.244.0.0/16)"),
  new Option("--pod-macs <first-last>", "range of the pods' MACs (default: 04:50:56:00:00:00-04:50:56:ff:ff:ff)"),
  new Option("--tls", "mutual TLS on every gRPC port"),
  new Option("--exit-with-parent", "end with the starting process, however it ends"),
  new Option("--log-level <level>", "debug, info, warn, error or silent (default: warn)"),
];

/** Adds the flags of `up` to a command, but for those (`dataDir`) that it decides by itself. */
export function addUpOptions(command: Command, left: readonly string[] = []): Command {
  for (const option of upOptions) if (!left.includes(option.attributeName())) command.addOption(option);
  return command;
}

/** The flags that were given, without those of the command itself. */
export function givenOptions(flags: Readonly<Record<string, unknown>>, own: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).filter(([name, value]) => value !== undefined && name !== "config" && !own.includes(name)));
}
