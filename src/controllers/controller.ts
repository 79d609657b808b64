import type { Burst } from "../base/burst.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Informers } from "../kubernetes/informers.js";

/** What every controller is given. */
export interface ControllerContext {
  readonly client: ApiClient;
  /** Shared by all controllers of the room. */
  readonly informers: Informers;
  /** Emulated: times in objects, and ages reckoned from them. */
  readonly clock: Clock;
  /** Monotonic: retries and deadlines. */
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Shared with others of the process that write behind pods; each recorder has its own when absent. */
  readonly burst?: Burst | undefined;
}

/** One loop of kube-controller-manager. Its informers are subscribed to when it is made, and started by the room. */
export interface Controller {
  /** Called when all informers have their first list. */
  start(): void;
  /** Resolves when the work in hand has ended. */
  close(): Promise<void>;
}

/** The recorder of one controller's events: `deployment-controller`, `replicaset-controller` ... */
export function recorderFor({ client, clock, monotonic, dice, log, burst }: ControllerContext, component: string): EventRecorder {
  return new EventRecorder({ client, component, clock, monotonic, dice: dice.fork(component), log, burst });
}
