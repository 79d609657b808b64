import type { Clock } from "../base/clock.js";
import { monotonicClock, wallClock } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import type { LatencyProfile } from "../base/latency-profile.js";
import { latencyProfile } from "../base/latency-profile.js";
import type { Logger } from "../base/log.js";
import { Dice } from "../base/seeded-random.js";
import type { Informers } from "../kubernetes/informers.js";
import { openChannel } from "../rpc/channel.js";
import { openStepRecorder, type StepRecorder } from "../rpc/step-recorder.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { grpcTls } from "./credentials.js";
import type { RoomName } from "./room-name.js";
import type { PlanePlan } from "./plane-plan.js";
import { SharedInformers } from "./shared-informers.js";

/** What every room of a process is given. */
export interface RoomContext {
  readonly plan: PlanePlan;
  readonly log: Logger;
  /** Emulated time. It runs as the wall clock does until ClockService is built. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly profile: LatencyProfile;
  readonly recorder: StepRecorder;
  /** Opens the reading copies of Kubernetes' objects that all rooms of the process share. */
  readonly informers: () => Promise<Informers>;
  /** Mutual TLS of gRPC ports, when asked for. */
  readonly tls: TlsMaterial | undefined;
}

/** What others have seen done may still be on its way back to the room that did it, and is a step of its own then: so long is waited for such answers. */
const ANSWERS_MS = 200;
/** The API server is given so long to take the events that are held for it. */
const EVENTS_LIMIT_MS = 1_600;

/** Makes the context of each room; one step recorder and one set of informers serve the whole process. */
export async function roomContext(plan: PlanePlan, log: Logger): Promise<{ of(room: RoomName): RoomContext; flush(): Promise<void>; close(): Promise<void> }> {
  const monotonic = monotonicClock();
  const clock = wallClock();
  const tls = grpcTls(plan);
  // Every start draws other numbers than the one before it, or ids of a former life would come back.
  const dice = new Dice(`${plan.options.seed}/${plan.startCount}/${plan.restarts}`);
  const channel = openChannel({ address: plan.addresses.emulator, tls });
  const recorder = openStepRecorder({ channel, clock: monotonic, dice: dice.fork(`recorder/${plan.name}`), log });
  const shared = new SharedInformers({ plan, monotonic, dice: dice.fork("shared"), log });
  let flushed: Promise<unknown> | undefined;
  return {
    of: (room) => ({ plan, log, clock, monotonic, dice: dice.fork(room), profile: latencyProfile(plan.options.profile), recorder, informers: () => shared.open(), tls }),
    flush: async () => {
      // Once: afterwards nothing is held any more, and the API server may be gone.
      flushed ??= monotonic.sleep(ANSWERS_MS).then(() => Promise.all([recorder.close(), within(EVENTS_LIMIT_MS, recorder.burst.end(), monotonic)]));
      await flushed;
    },
    close: async () => {
      await shared.close();
      await recorder.close();
      channel.close();
    },
  };
}

/** Resolves with `work`, or when its time is over. */
async function within(limitMs: number, work: Promise<void>, monotonic: Clock): Promise<void> {
  const over = deferred<void>();
  const limit = monotonic.timer(limitMs, () => over.resolve());
  try {
    await Promise.race([work, over.promise]);
  } finally {
    limit.cancel();
  }
}
