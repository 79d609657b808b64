import type { Command } from "commander";

/** Adds the flags of `up` that describe an emulator; all can also stand in a YAML file and as SPHERESIM_*. */
export function addUpOptions(command: Command): Command {
  return command
    .option("--name <name>", "name of the emulator (default: default)")
    .option("--data-dir <directory>", "directory of all state (default: $XDG_STATE_HOME/spheresim/<name>)")
    .option("--config <file>", "YAML file of these options")
    .option("--hosts <n>", "hosts of the default inventory (default: 4)")
    .option("--inventory <file>", "YAML inventory instead of the default one")
    .option("--profile <profile>", "how long the world takes: instant, article or supervisor-1.21 (default: instant)")
    .option("--seed <n>", "seed of ids, MACs and tie-breaks (default: 1)")
    .option("--ports <plan>", "block, standard (2379, 6443, 10250) or auto (default: block)")
    .option("--port-base <port>", "first port of the block (default: 7430)")
    .option("--without <rooms>", "rooms to leave out, with commas between")
    .option("--etcd-endpoints <addresses>", "a real etcd cluster instead of the embedded store, host:port with commas between")
    .option("--processes <plan>", "one, planes or rooms (default: planes)")
    .option("--tls", "mutual TLS on every gRPC port")
    .option("--exit-with-parent", "end when the starting process ends, however it ends")
    .option("--log-level <level>", "debug, info, warn, error or silent (default: warn)");
}

/** The flags that were given, without those of the command itself. */
export function givenOptions(flags: Readonly<Record<string, unknown>>, own: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).filter(([name, value]) => value !== undefined && name !== "config" && !own.includes(name)));
}
