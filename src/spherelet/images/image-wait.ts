import type { Dice } from "../../base/seeded-random.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { HostContext } from "../node/host-context.js";
import { ImageFailures } from "./image-failures.js";
import { imageObjectsOf } from "../pods/pod-annotations.js";
import { missingImages } from "../pods/pod-startup.js";
import type { PodSituation } from "../status/pod-status.js";

/** A wait longer than this shows in the pod's status. */
const SLOW_MS = 1_000;

/** What a pod's start still lacks of its images, and what was said of them. */
export class ImageWait {
  readonly #context: HostContext;
  readonly #onChange: () => void;
  readonly #onSlow: () => void;
  readonly #failures: ImageFailures;
  #pod: Pod | undefined;
  #leave: (() => void) | undefined;
  #pullingSaid = false;
  #pulledSaid = false;

  /** `onChange`: an Image that is waited for has changed. `onSlow`: the wait has taken a while. */
  constructor(context: HostContext, dice: Dice, onChange: () => void, onSlow: () => void) {
    this.#context = context;
    this.#onChange = onChange;
    this.#onSlow = onSlow;
    this.#failures = new ImageFailures(context.clock, dice, (image, said) => context.events.pullFailed(this.#pod, image, said), onSlow);
  }

  /** Whether every image is there; if not, the next change of one that is not will be told. */
  ready(pod: Pod): boolean {
    this.#unsubscribe();
    this.#pod = pod;
    const missing = missingImages(this.#context, pod);
    if (missing.length === 0) {
      this.#failures.forget();
      return true;
    }
    this.#sayPulling(pod);
    for (const name of missing) {
      const image = this.#context.images.get(pod.metadata.namespace ?? "", name);
      if (image !== undefined) this.#failures.note(image);
    }
    const leave = this.#context.images.onChange(pod.metadata.namespace ?? "", missing, this.#onChange);
    const slow = this.#context.monotonic.timer(SLOW_MS, this.#onSlow);
    this.#leave = () => {
      slow.cancel();
      leave();
    };
    return false;
  }

  /** Why each container still waits, as far as its Image says so. */
  reasons(pod: Pod): PodSituation["waiting"] {
    if (this.#leave === undefined) return new Map();
    return new Map(
      [...imageObjectsOf(pod)].flatMap(([container, name]) => {
        const reason = this.#failures.reason(name);
        return reason === undefined ? [] : [[container, reason] as const];
      }),
    );
  }

  /** Events of images that are there: once a life, so that a start tried again does not repeat itself. */
  announce(pod: Pod): void {
    this.#sayPulling(pod);
    if (!this.#pulledSaid) this.#context.events.pulled(pod);
    this.#pulledSaid = true;
  }

  /** A new life of the VM says it all again. */
  restart(): void {
    this.#pullingSaid = false;
    this.#pulledSaid = false;
  }

  /** Waits no more. */
  leave(): void {
    this.#unsubscribe();
    this.#failures.forget();
  }

  #unsubscribe(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  #sayPulling(pod: Pod): void {
    if (!this.#pullingSaid) this.#context.events.pulling(pod);
    this.#pullingSaid = true;
  }
}
