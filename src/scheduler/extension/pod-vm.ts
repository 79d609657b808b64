import { Backoff } from "../../base/backoff.js";
import { StateMachine, type Transitions } from "../../base/state-machine.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { TaskState } from "../../gen/spheresim/vim/v1/task.js";
import type { Pod } from "../../kubernetes/pod.js";

/**
 * How far the VM of a pod has come, from step 6 on. `wanted`: vCenter has not been asked (again) yet. `applied`: its task runs.
 * `created`: the VM id is here (step 9) and waits for the pod's annotations. `committed`: step 10 is stored. `dropping`: nobody
 * wants the VM any more and vCenter destroys it.
 */
export type PodVmState = "wanted" | "applied" | "created" | "committed" | "dropping";

const moves: Transitions<PodVmState> = {
  wanted: ["applied"],
  applied: ["wanted", "created", "dropping"],
  created: ["committed", "dropping", "wanted"],
  committed: [],
  dropping: [],
};

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 30_000;

/** One pod's VM on its way from recommendation to commit point. All of it can be rebuilt from the API server and vCenter. */
export class PodVm {
  readonly uid: string;
  readonly node: string;
  /** The pod as last seen. */
  pod: Pod;
  /** The binding was posted by this process; the informer may not know it yet. */
  readonly bindingPosted: boolean;
  /** The binding failed: the pod is not bound to this node. */
  bindingFailed = false;
  /** The task under way, or the last one. */
  task: TaskInfo | undefined;
  /** Failures on this node. */
  failures = 0;
  /** Monotonic; before it vCenter is not asked again. */
  retryAtMs = 0;
  /** When vCenter was asked, emulated. */
  startMs = 0;
  /** Where to begin anew when the drop is over. */
  next: { readonly pod: Pod; readonly node: string } | undefined;
  readonly #machine: StateMachine<PodVmState>;
  readonly #backoff = new Backoff({ initialMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS });

  constructor(pod: Pod, node: string, bindingPosted: boolean) {
    this.pod = pod;
    this.uid = pod.metadata.uid;
    this.node = node;
    this.bindingPosted = bindingPosted;
    this.#machine = new StateMachine(`VM of pod ${pod.metadata.namespace ?? ""}/${pod.metadata.name}`, moves, "wanted");
  }

  get state(): PodVmState {
    return this.#machine.state;
  }

  moveTo(state: PodVmState): void {
    this.#machine.moveTo(state);
  }

  /** Notes a failure; answers how long to wait. */
  failed(nowMs: number): number {
    this.failures += 1;
    const waitMs = this.#backoff.nextMs();
    this.retryAtMs = nowMs + waitMs;
    return waitMs;
  }
}

/** Whether a task has come to its end. */
export function isOver(task: TaskInfo): boolean {
  return task.state === TaskState.SUCCESS || task.state === TaskState.ERROR;
}
