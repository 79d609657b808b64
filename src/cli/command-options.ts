import { type Command, InvalidArgumentError, Option } from "commander";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { type OutputForm, outputOption } from "./output.js";

/** Flags of a command that lists. */
export interface ListFlags extends ConnectionOptions {
  readonly output: OutputForm;
}

/** Flags of a command that starts a task. */
export interface TaskFlags extends ConnectionOptions {
  /** False with --no-wait. */
  readonly wait: boolean;
}

/** `-o`, and which emulator, for a command that reads. */
export function addListOptions(command: Command): Command {
  return addConnectionOptions(command.addOption(outputOption()));
}

/** `--no-wait`, and which emulator, for a command that starts a task. */
export function addTaskOptions(command: Command): Command {
  return addConnectionOptions(command.option("--no-wait", "begin the task and print its id"));
}

const MOST = 2_147_483_647;

/** An option that is a whole number. */
export function wholeNumber(least: number, most = MOST): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** An option that is on or off. */
export function switchOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(["on", "off"]).argParser((text: string): boolean => {
    if (text !== "on" && text !== "off") throw new InvalidArgumentError("Allowed choices are on, off.");
    return text === "on";
  });
}

/** `cluster` by name. */
export function clusterOption(): Option {
  return new Option("--cluster <cluster>", "the cluster, where there are several");
}
