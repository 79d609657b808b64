import type { Clock, Timer } from "../../base/clock.js";
import { podSyncMs } from "../../base/pod-sync-period.js";
import type { Dice } from "../../base/seeded-random.js";
import type { Image } from "../../kubernetes/cluster-objects.js";
import type { WaitingReason } from "../status/container-status.js";

/** A failed fetch is told as such for so long, emulated; then as the wait for the next one. */
const BACKS_OFF_AFTER_MS = 5_000;

interface Failure {
  readonly reference: string;
  readonly message: string;
  /** How many tries had failed, and why the last one: another one is told anew. */
  readonly sign: string;
  timer: Timer;
  backsOff: boolean;
}

/** What is said of a failure, for events: the try, then the wait. */
export type TellFailure = (image: string, said: readonly { readonly warning: boolean; readonly reason: string; readonly message: string }[]) => void;

/**
 * Images that could not be fetched, by the name of their object, as a Spherelet tells of them: `ErrImagePull` with what was wrong, after a
 * while `ImagePullBackOff` as any kubelet says it, as often as one looks at the pod, and anew with each further try.
 */
export class ImageFailures {
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #tell: TellFailure;
  readonly #onChange: () => void;
  readonly #failures = new Map<string, Failure>();

  /** `onChange`: a failure has become a wait. */
  constructor(clock: Clock, dice: Dice, tell: TellFailure, onChange: () => void) {
    this.#clock = clock;
    this.#dice = dice;
    this.#tell = tell;
    this.#onChange = onChange;
  }

  /** Takes in what an Image that is not Ready says of itself. Its message stays while it is tried again. */
  note({ metadata, spec, status }: Image): void {
    const { name, namespace = "" } = metadata;
    const why = status?.message ?? "";
    const sign = `${status?.failures ?? 0} ${why}`;
    const known = this.#failures.get(name);
    if (known?.sign === sign) return;
    known?.timer.cancel();
    this.#failures.delete(name);
    if (why === "") return;
    const { reference } = spec;
    const message = `failed to get images: Image ${namespace}/${name} has failed. Error: ${why}`;
    const tellWait = (): void => {
      this.#tell(name, [
        { warning: false, reason: "BackOff", message: `Back-off pulling image ${JSON.stringify(reference)}` },
        { warning: true, reason: "Failed", message: "Error: ImagePullBackOff" },
      ]);
      failure.timer = this.#clock.timer(podSyncMs(this.#dice), tellWait);
    };
    const timer = this.#clock.timer(BACKS_OFF_AFTER_MS, () => {
      failure.backsOff = true;
      tellWait();
      this.#onChange();
    });
    const failure: Failure = { reference, message, sign, timer, backsOff: false };
    this.#failures.set(name, failure);
    this.#tell(name, [
      { warning: true, reason: "Failed", message },
      { warning: true, reason: "Failed", message: "Error: ErrImagePull" },
    ]);
  }

  /** What a container of that image waits for; undefined where nothing failed. */
  reason(name: string): WaitingReason | undefined {
    const failure = this.#failures.get(name);
    if (failure === undefined) return undefined;
    const { backsOff, reference, message } = failure;
    return backsOff ? { reason: "ImagePullBackOff", message: `Back-off pulling image ${JSON.stringify(reference)}: ErrImagePull: ${message}` } : { reason: "ErrImagePull", message };
  }

  forget(): void {
    for (const { timer } of this.#failures.values()) timer.cancel();
    this.#failures.clear();
  }
}
