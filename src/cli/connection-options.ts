import type { Command } from "commander";

/** Adds the options that choose a running emulator. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option("--name <name>", "emulator by name (default: default)")
    .option("--data-dir <directory>", "emulator by data directory")
    .option("--emulator <address>", "emulator by address of its emulator room, host:port");
}
