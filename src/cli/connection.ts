import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readyFileName, type ReadyLine } from "../base/ready-line.js";
import { stateHome } from "../base/state-home.js";
import { UserError } from "../base/user-error.js";
import type { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { EmulatorServiceClient, type EmulatorServiceService } from "../gen/spheresim/emulator/v1/emulator_service.js";
import { type Channel, openChannel, type PromiseClient } from "../rpc/channel.js";
import { readTlsMaterial } from "../rpc/tls.js";

/** Options every command that speaks to a running emulator takes. */
export interface ConnectionOptions {
  /** Name the emulator was started under. */
  readonly name?: string;
  /** Address of its emulator room. */
  readonly emulator?: string;
  /** Its data directory. */
  readonly dataDir?: string;
}

/** A connection to a running emulator. */
export interface Connection {
  readonly emulator: PromiseClient<typeof EmulatorServiceService>;
  readonly info: Info;
  /** A channel to one of its other rooms. */
  open(room: string): Channel;
  /** A channel to an address that is none of its rooms'. */
  openAt(address: string): Channel;
  close(): void;
}

/** Every emulator of this user that runs now below the state directory; with `dataDir` the one there. */
export function runningEmulators(environment: NodeJS.ProcessEnv, dataDir?: string): ReadyLine[] {
  if (dataDir !== undefined) return [readReadyFile(dataDir)].filter((line): line is ReadyLine => line !== undefined);
  const home = stateHome(environment);
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .map((name) => readReadyFile(join(home, name)))
    .filter((line): line is ReadyLine => line !== undefined);
}

/** The ready line of the emulator on a data directory, if its process lives. */
function readReadyFile(dataDir: string): ReadyLine | undefined {
  try {
    const line = JSON.parse(readFileSync(join(dataDir, readyFileName), "utf8")) as ReadyLine;
    process.kill(line.pid, 0);
    return line;
  } catch {
    return undefined; // none, half written, or its process is gone
  }
}

/** Where the emulator meant by the options and the environment answers. */
function find(options: ConnectionOptions, environment: NodeJS.ProcessEnv): { readonly address: string; readonly dataDir: string | undefined } {
  const address = options.emulator ?? (options.name === undefined && options.dataDir === undefined ? environment["SPHERESIM_EMULATOR"] : undefined);
  if (address !== undefined) return { address, dataDir: environment["SPHERESIM_DATA_DIR"] };
  const name = options.name ?? environment["SPHERESIM_NAME"] ?? "default";
  const dataDir = options.dataDir ?? join(stateHome(environment), name);
  const line = readReadyFile(dataDir);
  if (line?.endpoints["emulator"] !== undefined) return { address: line.endpoints["emulator"], dataDir };
  if (line !== undefined) throw new UserError("cannot-start", `emulator "${line.name}" (pid ${line.pid}) runs without its emulator room, which this command asks`, "start it without: --without emulator");
  const others = runningEmulators(environment).map((each) => each.name);
  throw new UserError(
    "cannot-start",
    options.dataDir === undefined ? `no emulator named "${name}" is running` : `no emulator runs on ${dataDir}`,
    others.length > 0 ? `choose one that runs with --name: ${others.join(", ")}` : `start one with: npm start${startOptions(options, name)}`,
  );
}

/** What `npm start` needs to start the emulator that was looked for. */
function startOptions({ dataDir }: ConnectionOptions, name: string): string {
  if (dataDir !== undefined) return ` -- --data-dir ${dataDir}`;
  return name === "default" ? "" : ` -- --name ${name}`;
}

/** Connects to a running emulator; throws a UserError that says how to start one. */
export async function connect(options: ConnectionOptions, environment: NodeJS.ProcessEnv): Promise<Connection> {
  const { address, dataDir } = find(options, environment);
  const tls = dataDir === undefined ? undefined : readTlsMaterial(dataDir);
  const channel = openChannel({ address, tls });
  const emulator = channel.client(EmulatorServiceClient);
  try {
    const info = await emulator.getInfo({}, { deadlineMs: 5_000 });
    const others: Channel[] = [];
    const openAt = (target: string): Channel => {
      const other = openChannel({ address: target, tls });
      others.push(other);
      return other;
    };
    return {
      emulator,
      info,
      open: (room) => {
        const target = info.endpoints[room];
        if (target === undefined) throw new UserError("cannot-start", `this emulator runs no ${room}`);
        return openAt(target);
      },
      openAt,
      close: () => {
        for (const each of [channel, ...others]) each.close();
      },
    };
  } catch (error) {
    channel.close();
    throw new UserError("cannot-start", `the emulator at ${address} does not answer: ${(error as Error).message.replace(/ Resolution note:\s*$/, "")}`, "look with: spheresim status");
  }
}
