import { Dice } from "../../../src/base/seeded-random.js";
import { connect, type Connection } from "../wire.js";
import { Epoch } from "./epoch.js";
import { minimize } from "./minimize.js";
import { Mismatch } from "./mismatch.js";
import { OperationDice } from "./operation-dice.js";
import { type Step, stepText } from "./step.js";
import { VersionDifferences } from "./version-differences.js";

/** How long an event may take; etcd looks after watches that are behind every 100 ms. */
const LIMIT_MS = 30_000;
/** The same while looking for fewer steps, where many tries wait in vain. */
const REPLAY_LIMIT_MS = 2_000;

/** What a run needs. */
export interface DifferentialOptions {
  /** `host:port` of the server under test and of the one that judges. */
  readonly ours: string;
  readonly real: string;
  readonly seed: string;
  readonly steps: number;
  /** Steps between two returns to empty servers. */
  readonly epochSteps: number;
  /** Replays that may be spent on a shorter list of steps once something differs. */
  readonly replays: number;
  readonly onProgress: (line: string) => void;
}

/** What a run without a difference tells. */
export interface DifferentialReport {
  readonly steps: number;
  readonly revision: number;
  readonly epochs: number;
  /** How often each allowed difference was met. */
  readonly allowed: Readonly<Record<string, number>>;
}

/** A difference with the shortest list of steps found that shows it. */
export class DifferentialError extends Error {
  override readonly name = "DifferentialError";
  readonly steps: readonly Step[];

  constructor(message: string, steps: readonly Step[]) {
    super(`${message}\nsteps that show it, from empty servers on:\n${steps.map(stepText).join("\n")}`);
    this.steps = steps;
  }
}

/** Gives random steps to two servers until `steps` are done; throws DifferentialError at the first difference. */
export async function runDifferential(options: DifferentialOptions): Promise<DifferentialReport> {
  const connections: [Connection, Connection] = [connect(options.ours), connect(options.real)];
  try {
    const { version } = await connections[1].maintenance.status({});
    const differences = new VersionDifferences(version);
    const dice = new OperationDice(new Dice(options.seed), !differences.allows("sort-option"));
    let [done, epochs, revision] = [0, 0, 0];
    while (done < options.steps) {
      const steps: Step[] = [];
      const epoch = await Epoch.begin(connections, differences, epochs === 0, LIMIT_MS);
      try {
        for (; steps.length < options.epochSteps && done < options.steps; done += 1) {
          const step = dice.next(epoch.standing);
          steps.push(step);
          await epoch.take(step);
        }
        await epoch.end();
        revision += epoch.standing.revision;
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        throw await explain(error, steps, done, connections, differences, options);
      } finally {
        epoch.close();
      }
      epochs += 1;
      options.onProgress(`${done} of ${options.steps} steps, ${revision} revisions, ${epochs} times from empty, no difference`);
    }
    return { steps: done, revision, epochs, allowed: differences.used };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Does these steps from empty servers on; returns what differs, if anything does. */
async function replay(steps: readonly Step[], connections: readonly [Connection, Connection], differences: VersionDifferences): Promise<Mismatch | undefined> {
  const epoch = await Epoch.begin(connections, differences, false, REPLAY_LIMIT_MS);
  try {
    for (const step of steps) await epoch.take(step);
    await epoch.end();
    return undefined;
  } catch (error) {
    if (error instanceof Mismatch) return error;
    throw error;
  } finally {
    epoch.close();
  }
}

async function explain(first: Mismatch, steps: readonly Step[], done: number, connections: readonly [Connection, Connection], differences: VersionDifferences, options: DifferentialOptions): Promise<DifferentialError> {
  const where = `step ${done} of seed ${JSON.stringify(options.seed)}: ${first.message}`;
  options.onProgress(`${where}\nlooking for fewer steps that show it`);
  let last = first;
  const fewer = await minimize(steps, options.replays, async (candidate) => {
    const mismatch = await replay(candidate, connections, differences);
    if (mismatch !== undefined) last = mismatch;
    return mismatch !== undefined;
  });
  return new DifferentialError(fewer === undefined ? `${where}\nit does not show again` : `${where}\nafter fewer steps: ${last.message}`, fewer ?? steps);
}

/** Does the steps of a reproducer; throws DifferentialError if they still show a difference. */
export async function replayDifferential(steps: readonly Step[], ours: string, real: string): Promise<void> {
  const connections: [Connection, Connection] = [connect(ours), connect(real)];
  try {
    const { version } = await connections[1].maintenance.status({});
    const mismatch = await replay(steps, connections, new VersionDifferences(version));
    if (mismatch !== undefined) throw new DifferentialError(mismatch.message, steps);
  } finally {
    for (const connection of connections) connection.close();
  }
}
