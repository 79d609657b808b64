import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { RecentMap } from "../../base/recent-map.js";
import { RpcError } from "../../base/rpc-error.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import { TaskState } from "../../gen/spheresim/vim/v1/task.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../../kubernetes/work-queue.js";
import { answerTo, isAboutTheRequest, isHostAway, isRecommendationGone, whyOf, whyOfFault } from "./errors.js";
import type { HostDirectory } from "./host-directory.js";
import { type PlacementDesk, placementSpec } from "./placement-desk.js";
import type { PodSizer } from "./pod-sizer.js";
import { isOver, PodVm } from "./pod-vm.js";
import type { Vcenter } from "./vcenter.js";
import type { VmCommit } from "./vm-commit.js";

export interface PodVmsOptions {
  /** The pod of that UID as the informer knows it. */
  readonly podByUid: (uid: string) => Pod | undefined;
  readonly vcenter: Pick<Vcenter, "apply" | "cancel" | "destroyVmOf">;
  readonly sizer: PodSizer;
  readonly directory: HostDirectory;
  readonly desk: PlacementDesk;
  readonly commit: VmCommit;
  readonly steps: PodSteps;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

const WORKERS = 64;
/** A task may end before the answer that names it is here: so many ended ones are remembered. */
const MAX_ENDED_TASKS = 4096;
/** A pod that named its node itself is first for that node's Spherelet to admit or refuse: its first failure is not told for so long. */
const ADMISSION_MS = 1_000;
/** Failures of `retry-some` before the pod fails with ProviderFailed: about a minute. */
const MAX_FAILURES = 9;

/**
 * Steps 7, 9 and 10 for every pod at once, level-triggered: a bound pod without a VM id is to have a VM on its node. Whether
 * the scheduler has just bound it or this process has just started makes no difference: vCenter is asked by owner, and an
 * owner has one VM at most.
 */
export class PodVms {
  readonly #options: PodVmsOptions;
  readonly #queue: WorkQueue;
  /** By pod UID. */
  readonly #vms = new Map<string, PodVm>();
  readonly #endedTasks = new RecentMap<string, TaskInfo>(MAX_ENDED_TASKS);

  constructor(options: PodVmsOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "pod VM", workers: WORKERS, work: (uid) => this.#work(uid) });
  }

  /** VMs between recommendation and commit point. */
  get size(): number {
    return this.#vms.size;
  }

  /** Whether a VM of that pod is on its way. */
  has(podUid: string): boolean {
    return this.#vms.has(podUid);
  }

  start(): void {
    this.#queue.start();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** The binding is on its way to the API server: step 7 begins now, beside step 6. */
  bindingPosted(pod: Pod, node: string): void {
    const { uid } = pod.metadata;
    const known = this.#vms.get(uid);
    if (known !== undefined && known.node === node && known.state !== "dropping" && !known.bindingFailed) return;
    if (known === undefined) this.#vms.set(uid, new PodVm(pod, node, true));
    else known.next = { pod, node };
    this.#queue.add(uid);
  }

  /** The binding was refused: hold and VM go back, unless the pod turns out to be bound there all the same. */
  bindingFailed(podUid: string): void {
    const vm = this.#vms.get(podUid);
    if (vm !== undefined) vm.bindingFailed = true;
    this.#queue.add(podUid);
  }

  /** A pod changed. */
  consider(pod: Pod): void {
    const { uid } = pod.metadata;
    const vm = this.#vms.get(uid);
    if (vm !== undefined) vm.pod = pod;
    if (vm !== undefined || (isBound(pod) && isWanted(pod))) this.#queue.add(uid);
  }

  /** A pod is gone. */
  forget(pod: Pod): void {
    const { uid } = pod.metadata;
    this.#options.desk.forget(uid);
    const vm = this.#vms.get(uid);
    if (vm === undefined) return;
    vm.pod = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp } };
    this.#queue.add(uid);
  }

  /** A task changed. */
  taskChanged(task: TaskInfo): void {
    if (isOver(task) && task.task !== undefined) this.#endedTasks.set(task.task.value, task);
    const vm = this.#vms.get(task.ownerUid);
    if (vm?.task === undefined || vm.task.task?.value !== task.task?.value) return;
    vm.task = task;
    if (isOver(task)) this.#queue.add(vm.uid);
  }

  /** Task changes may have been missed: whoever waits for one asks again, by owner. */
  tasksRestarted(): void {
    for (const vm of this.#vms.values()) {
      if (vm.state === "applied") vm.moveTo("wanted");
      else if (vm.state !== "dropping" || (vm.task !== undefined && isOver(vm.task))) continue;
      vm.task = undefined;
      this.#queue.add(vm.uid);
    }
  }

  async #work(uid: string): Promise<void> {
    let vm = this.#vms.get(uid);
    const pod = this.#options.podByUid(uid) ?? vm?.pod;
    if (pod === undefined) return;
    if (vm !== undefined) vm.pod = pod;
    if (vm?.state === "dropping") return this.#drop(vm);
    if (vmUuidOf(pod) !== undefined) {
      this.#vms.delete(uid);
      this.#options.desk.forget(uid);
      return undefined;
    }
    if (vm?.state === "committed") {
      // From here on the VM is the pod's, and the lifecycle controller's to destroy.
      if (pod.metadata.deletionTimestamp !== undefined) this.#vms.delete(uid);
      return undefined;
    }
    const node = nodeOf(pod, vm);
    if (vm !== undefined && (node !== vm.node || vm.next !== undefined)) return this.#drop(vm);
    if (node === undefined) return undefined;
    if (vm === undefined) {
      vm = new PodVm(pod, node, false);
      this.#vms.set(uid, vm);
    }
    if (vm.state === "wanted") await this.#apply(vm);
    if (vm.state === "applied") await this.#readTask(vm);
    if (vm.state === "created") await this.#commit(vm);
    return undefined;
  }

  /** Step 7. */
  async #apply(vm: PodVm): Promise<void> {
    const { vcenter, sizer, desk, clock, monotonic } = this.#options;
    const waitMs = vm.retryAtMs - monotonic.nowMs();
    if (waitMs > 0) {
      this.#queue.addAfter(vm.uid, waitMs);
      return;
    }
    if (vm.startMs === 0) vm.startMs = clock.nowMs();
    const sized = await sizer.size(vm.pod);
    const spec = placementSpec(vm.pod, sized, [vm.node]);
    const key = desk.recommended(vm.uid, vm.node)?.key ?? "";
    let task: TaskInfo;
    try {
      task = await vcenter.apply({ key, ownerUid: vm.uid, spec });
    } catch (error) {
      if (!RpcError.is(error)) throw error;
      desk.discard(vm.uid);
      if (key !== "" && isRecommendationGone(error)) return this.#apply(vm);
      if (!isAboutTheRequest(error)) throw error;
      this.#failed(vm, whyOf(error), "retry-some");
      return undefined;
    }
    // The recommendation is used up; a second try names the host alone.
    desk.discard(vm.uid);
    vm.task = this.#endedTasks.get(task.task?.value ?? "") ?? task;
    vm.moveTo("applied");
    return undefined;
  }

  /** Step 9. */
  async #readTask(vm: PodVm): Promise<void> {
    const { directory, steps, desk, clock } = this.#options;
    const { task } = vm;
    if (task === undefined || !isOver(task)) return;
    if (task.state === TaskState.ERROR) {
      if (isHostAway(task.error)) desk.avoid(vm.uid, vm.node);
      vm.moveTo("wanted");
      this.#failed(vm, whyOfFault(task.error) || "vCenter could not make the VM", answerTo(task.error));
      return;
    }
    const host = await directory.nameOf(task.host?.value ?? "");
    if (host !== undefined && host !== vm.node) {
      // A VM from an earlier life of this pod, elsewhere: it must go before one is made here.
      this.#options.log.warn({ pod: vm.pod.metadata.name, node: vm.node, host }, "the pod's VM stands on another host than the pod, destroying it");
      vm.next = { pod: vm.pod, node: vm.node };
      return this.#drop(vm);
    }
    if (task.vmUuid === "") throw new Error(`task ${task.task?.value ?? ""} ended well without the uuid of its VM`);
    vm.moveTo("created");
    steps.record({
      pod: vm.pod,
      step: 9,
      peer: "vcenter",
      wire: "spheresim.vcenter.v1.TaskService/WatchTasks",
      startMs: clock.nowMs(),
      subject: `${vm.node}/${task.result?.value ?? ""}`,
      message: `VM id ${task.vmUuid}`,
    });
    return undefined;
  }

  /** Step 10, when everything it waits for is there. */
  async #commit(vm: PodVm): Promise<void> {
    const outcome = await this.#options.commit.write(vm.pod, vm.node, vm.task!);
    // Kept until the informer shows it: an older state of the pod may still be on its way here.
    if (outcome === "stored") vm.moveTo("committed");
    else if (outcome === "unwanted") await this.#drop(vm);
  }

  #failed(vm: PodVm, why: string, answer: "retry" | "retry-some" | "give-up"): void {
    const { monotonic, commit } = this.#options;
    const waitMs = vm.failed(monotonic.nowMs());
    const bound = isBound(vm.pod);
    if (!vm.bindingPosted && vm.failures === 1) {
      vm.retryAtMs = monotonic.nowMs() + ADMISSION_MS;
      this.#queue.addAfter(vm.uid, ADMISSION_MS);
      return;
    }
    if (bound && (answer === "give-up" || (answer === "retry-some" && vm.failures >= MAX_FAILURES))) {
      commit.giveUp(vm.pod, why);
      // Should the pod's Failed status not come through, the next round says it again.
      vm.retryAtMs = monotonic.nowMs() + 5_000;
      this.#queue.addAfter(vm.uid, 5_000);
      return;
    }
    commit.tellRetry(vm.pod, vm.node, why);
    this.#queue.addAfter(vm.uid, waitMs);
  }

  /** Gives everything back: the hold, or the VM. */
  async #drop(vm: PodVm): Promise<void> {
    const { vcenter, desk } = this.#options;
    if (vm.state === "wanted") {
      await vcenter.cancel(vm.uid);
    } else {
      if (vm.state !== "dropping") {
        vm.moveTo("dropping");
        vm.task = undefined;
      }
      if (vm.task === undefined) {
        const task = await vcenter.destroyVmOf(vm.uid);
        vm.task = this.#endedTasks.get(task?.task?.value ?? "") ?? task;
      }
      if (vm.task !== undefined) {
        if (!isOver(vm.task)) return;
        if (vm.task.state === TaskState.ERROR && vm.task.error?.fault?.$case !== "managedObjectNotFound") {
          const why = vm.task.error?.localizedMessage ?? "unknown fault";
          vm.task = undefined;
          throw new Error(`the VM of a pod that does not want it was not destroyed: ${why}`);
        }
      }
    }
    this.#vms.delete(vm.uid);
    const next = vm.next;
    if (next === undefined) desk.discard(vm.uid);
    else this.#vms.set(vm.uid, new PodVm(next.pod, next.node, true));
    this.#queue.add(vm.uid);
  }
}

/** The node the pod's VM belongs on now; undefined when it should have none. */
function nodeOf(pod: Pod, vm: PodVm | undefined): string | undefined {
  if (!isWanted(pod)) return undefined;
  if (isBound(pod)) return pod.spec.nodeName;
  return vm !== undefined && vm.bindingPosted && !vm.bindingFailed ? vm.node : undefined;
}

function isBound(pod: Pod): boolean {
  return (pod.spec.nodeName ?? "") !== "";
}

/** Neither ended nor on its way out, and without a VM id. */
function isWanted(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && !isTerminal(pod) && vmUuidOf(pod) === undefined;
}
