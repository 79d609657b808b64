import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Informers } from "../kubernetes/informers.js";
import type { RestClient } from "../kubernetes/rest-client.js";

/** What every controller works with. */
export interface Surroundings {
  readonly client: RestClient;
  readonly informers: Informers;
  /** Emulated: timestamps. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** A recorder of events in a controller's name. */
  readonly events: (component: string) => EventRecorder;
}

/** A controller that has subscribed to what it follows. */
export interface Controller {
  /** Lets work begin, once the first lists are in. */
  start(): void;
  close(): Promise<void>;
}
