import { Backoff } from "../../base/backoff.js";
import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import { isBeingDeleted } from "../../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import { ActiveDeadline, deadlineExceeded } from "./active-deadline.js";
import { admit } from "../node/admission.js";
import type { HostContext } from "../node/host-context.js";
import { GuestWatch } from "./guest-watch.js";
import { ImageWait } from "../images/image-wait.js";
import { lostContainers } from "./lost-containers.js";
import { setbackOf, type Setback } from "./pod-setback.js";
import { giveBody, startContainers } from "./pod-startup.js";
import type { PodSituation, Trouble } from "../status/pod-status.js";
import { graceSecondsOf } from "./pod-grace.js";
import { deleteForGood, stopContainers } from "./pod-teardown.js";
import { isNewer } from "../status/resource-version.js";
import { recordStatus, writeStatus } from "../status/status-writer.js";
import { VmLife } from "./vm-life.js";
import type { AgentAddress, VmNews } from "../vsphere.js";

/** A start that takes longer than this shows in the pod's status as it stands; a quicker one needs one write only. */
const SLOW_START_MS = 1_000;
const RETRY_INITIAL_MS = 100;
const RETRY_MAX_MS = 10_000;

/** What makes a worker act. `urgent` does not wait for a back-off to end. */
export type Wake = "urgent" | "soon";

/**
 * One pod of a host, from ConfigurePod until its object is gone. Level-triggered: whatever happens, it looks at the pod, the VM and
 * the containers as they are and does what is missing; it knows nothing that API server, HostD and agent do not know too.
 *
 * It does one thing at a time and remembers only that something changed: a hundred changes while it works are one more round.
 */
export class PodWorker {
  readonly #context: HostContext;
  readonly #abort = new AbortController();
  readonly #backoff: Backoff;
  readonly #onGone: () => void;
  #pod: Pod;
  /** Whether anybody asked to configure the pod, or a former Spherelet may have. */
  #asked: boolean;
  /** Whether this host may run the pod at all; one that a former Spherelet may have taken on is not asked again. */
  #admitted: boolean;
  /** Whether the VM may have had a personality before this worker gave it one. */
  #mayHaveBody: boolean;
  #life: VmLife | undefined;
  /** Whether the containers of this life were told of in events. */
  #introduced = false;
  #setback: Setback | undefined;
  #missesVm: Trouble | undefined;
  readonly #guest = new GuestWatch();
  /** The containers of the life that ended, until the next one has told of its own. */
  #lost: PodContainers | undefined;
  readonly #deadline: ActiveDeadline;
  #deadlineTold = false;
  /** How the containers ended, when the pod is being deleted or its time is over. */
  #stopped: PodContainers | undefined;
  #deleted = false;
  #statusRecorded = false;
  readonly #imageWait: ImageWait;
  #running: Promise<void> | undefined;
  #dirty = false;
  #wait: AbortController | undefined;
  #stopCall: { readonly graceSeconds: number; readonly abort: AbortController } | undefined;
  #publishing: Promise<void> = Promise.resolve();

  /**
   * `recovered`: the pod was there before this Spherelet; who configured it is not known any more. `onGone`: the API server has no such
   * pod, which nobody may have heard of who only listens.
   */
  constructor(context: HostContext, pod: Pod, recovered: boolean, onGone: () => void) {
    this.#context = context;
    this.#onGone = onGone;
    this.#pod = pod;
    this.#asked = recovered;
    this.#admitted = recovered;
    this.#mayHaveBody = recovered;
    this.#imageWait = new ImageWait(context, () => this.wake("urgent"), () => this.#publishInTime());
    this.#deadline = new ActiveDeadline(context.clock, () => this.wake("urgent"));
    this.#backoff = new Backoff({ initialMs: RETRY_INITIAL_MS, maxMs: RETRY_MAX_MS, jitter: 0.2, dice: context.dice.fork(pod.metadata.uid) });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** Where its agent answers, while it has one. */
  get agent(): AgentAddress | undefined {
    const life = this.#life;
    return life === undefined || life.over ? undefined : { address: life.agentAddress, vmUuid: life.vmUuid };
  }

  /** Whether the pod was taken on. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Step 11: somebody wants the pod configured. */
  ask(): void {
    this.#asked = true;
    if (this.#setback?.lasting === true) this.#setback = undefined;
    this.wake("urgent");
  }

  /** The pod as somebody saw it; what is older than what is known is no news. */
  see(pod: Pod): void {
    if (!isNewer(pod, this.#pod)) return;
    this.#take(pod);
    this.wake("soon");
  }

  /** The pod is bound here and nothing came of its VM for as long as a placement takes: its status is to say so. */
  missVm(): void {
    if (vmUuidOf(this.#pod) !== undefined || this.#missesVm !== undefined || isBeingDeleted(this.#pod)) return;
    this.#missesVm = { reason: "PodVMAnnotationsMissing", message: "the pod is bound to this node and has no annotation vmware-system-vm-uuid", final: false };
    this.wake("soon");
  }

  /** HostD tells of the pod's VM: a life may have ended, or a VM that was waited for may be there. */
  hear(news: VmNews): void {
    if (news.vmUuid !== vmUuidOf(this.#pod)) return;
    if (this.#guest.hear(news)) this.#guestChanged();
    const life = this.#life;
    if (life !== undefined && !life.over) {
      if (news.off || news.powerOnCount > life.powerOnCount) life.expire();
    } else if ((news.waits || news.gone) && this.#asked) this.wake("urgent");
  }

  /** The guest died, hangs, or is itself again. */
  #guestChanged(): void {
    const pod = this.#pod;
    const { trouble, hangs } = this.#guest;
    if (trouble?.telling === true && this.#asked && !isBeingDeleted(pod) && !isTerminal(pod)) this.#context.events.guestFailed(pod, trouble);
    // A stop that nobody hears has no end: it is made again, with patience.
    if (hangs) this.#stopCall?.abort.abort();
    this.wake("soon");
    if (this.#asked) this.#publishInTime();
  }

  wake(why: Wake): void {
    if (this.#abort.signal.aborted) return;
    this.#dirty = true;
    if (why === "urgent") {
      this.#backoff.reset();
      this.#wait?.abort();
    }
    this.#running ??= this.#run();
  }

  /** The object is gone from the API server: what still runs for it is stopped, without waiting for it. */
  abandon(): void {
    const life = this.#life;
    if (life !== undefined && !life.over && !this.#deleted) {
      const { agents, log } = this.#context;
      agents.stopPod(life.agentAddress, life.vmUuid, this.#pod.metadata.uid, 0, new AbortController().signal).catch((error: unknown) => {
        log.info({ err: error, pod: this.#pod.metadata.name }, "containers of a pod that is gone could not be stopped; their VM will be destroyed");
      });
    }
    void this.close();
  }

  /** Ends the work on this pod; resolves when it has ended. Containers and VM stay as they are. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#letGo();
    this.#context.addresses.release(this.#pod.metadata.uid);
    await this.#running;
    await this.#publishing;
    this.#deadline.forget();
  }

  /** Makes a newer state of the pod the present one. */
  #take(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    const deletionIsNew = isBeingDeleted(pod) && !isBeingDeleted(before);
    if (deletionIsNew || vmUuidOf(pod) !== vmUuidOf(before)) this.wake("urgent");
    // A second deletion may leave less time than the first.
    if (this.#stopCall !== undefined && graceSecondsOf(pod) < this.#stopCall.graceSeconds) this.#stopCall.abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    // Whoever woke us may have more to say.
    await Promise.resolve();
    while (this.#dirty && !signal.aborted) {
      this.#dirty = false;
      try {
        await this.#round();
        this.#backoff.reset();
      } catch (error) {
        if (!signal.aborted) await this.#afterFailure(error);
      }
    }
    this.#running = undefined;
  }

  async #round(): Promise<void> {
    const pod = this.#pod;
    if (isBeingDeleted(pod)) return this.#remove(pod);
    if (isTerminal(pod)) return this.#letEnd(pod);
    if (this.#deadline.isOver(pod)) return this.#endInTime(pod);
    const vmUuid = vmUuidOf(pod);
    if (vmUuid !== undefined && this.#asked && this.#setback?.lasting !== true && !this.#guest.dead && this.#mustStart(vmUuid)) await this.#start(pod, vmUuid);
    if (this.#asked || this.#missesVm !== undefined) await this.#publish();
  }

  #mustStart(vmUuid: string): boolean {
    const life = this.#life;
    return life === undefined || life.over || life.vmUuid !== vmUuid || life.containers === undefined;
  }

  /** Steps 12 and 13. */
  async #start(pod: Pod, vmUuid: string): Promise<void> {
    const slow = this.#context.monotonic.timer(SLOW_START_MS, () => this.#publishInTime());
    try {
      if (this.#life !== undefined) {
        this.#mayHaveBody = true;
        this.#letGo();
      }
      if (this.#imageWait.ready(pod)) await this.#context.startGate.run(() => this.#startNow(pod, vmUuid));
    } finally {
      slow.cancel();
    }
  }

  async #startNow(pod: Pod, vmUuid: string): Promise<void> {
    const { signal } = this.#abort;
    const { agents, events } = this.#context;
    signal.throwIfAborted();
    if (!this.#admitted) await admit(this.#context.node, pod);
    this.#admitted = true;
    const hadBody = this.#mayHaveBody || pod.status?.startTime !== undefined;
    const vm = await giveBody(this.#context, pod, vmUuid, hadBody, signal);
    signal.throwIfAborted();
    this.#introduced = false;
    this.#guest.lives(vm.powerOnCount);
    const life = new VmLife({
      agents,
      podUid: pod.metadata.uid,
      vmUuid,
      agentAddress: vm.agentAddress,
      podIp: vm.podIp,
      powerOnCount: vm.powerOnCount,
      onChange: (before, now) => this.#containersChanged(before, now),
    });
    this.#life = life;
    const started = await startContainers(this.#context, pod, vmUuid, vm, () => this.#imageWait.announce(pod), signal);
    life.learn(started.containers);
    this.#lost = undefined;
    if (!started.found && life.containers !== undefined) events.containersChanged(pod, undefined, life.containers);
    this.#introduced = true;
    this.#setback = undefined;
    this.#missesVm = undefined;
  }

  #containersChanged(before: PodContainers | undefined, now: PodContainers | undefined): void {
    if (now === undefined) {
      if (before !== undefined) this.#lost = lostContainers(before, this.#context.clock.nowMs());
      this.#imageWait.restart();
      this.wake("urgent");
      return;
    }
    if (this.#introduced) this.#context.events.containersChanged(this.#pod, before, now);
    this.wake("soon");
  }

  /** Step 14. */
  #publish(): Promise<void> {
    const next = this.#publishing.then(() => this.#publishNow()).then(() => this.#deadline.watch(this.#pod));
    this.#publishing = next.catch(() => undefined);
    return next;
  }

  /** The status as it stands, while the work goes on. */
  #publishInTime(): void {
    this.#publish().catch((error: unknown) => this.#logRetry(error));
  }

  async #publishNow(): Promise<void> {
    const pod = this.#pod;
    // Of a pod on its way out only the end is told, and an end that stands is not told again.
    if (this.#abort.signal.aborted || (isBeingDeleted(pod) && this.#stopped === undefined) || (isTerminal(pod) && this.#stopped === undefined)) return;
    const situation = this.#situation(pod);
    const written = await writeStatus(this.#context, situation, this.#abort.signal);
    if (written === undefined) return;
    if (written.pod === undefined) {
      this.#onGone();
      return;
    }
    // Step 14 tells that the containers run (or have run); while init containers are at work step 13 still goes on.
    const hasStarted = situation.containers !== undefined && written.pod.status?.phase !== "Pending";
    if (hasStarted && this.#stopped === undefined && !this.#statusRecorded) {
      this.#statusRecorded = true;
      recordStatus(this.#context, written.pod, written.startMs);
    }
    if (isNewer(written.pod, this.#pod)) this.#take(written.pod);
  }

  #situation(pod: Pod): PodSituation {
    const life = this.#life?.over === true ? undefined : this.#life;
    const unreachable: Trouble | undefined = life?.lost === true ? { reason: "AgentUnreachable", message: `the Spherelet agent at ${life.agentAddress} does not answer`, final: false } : undefined;
    const setback = this.#setback?.trouble;
    return {
      pod,
      hostIp: this.#context.host.address,
      podIp: this.#life?.podIp,
      containers: this.#stopped ?? life?.containers ?? this.#lost,
      waiting: this.#setback?.waiting ?? this.#imageWait.reasons(pod),
      trouble: setback?.final === true ? setback : (this.#guest.trouble ?? setback ?? unreachable ?? this.#missesVm),
      stopped: this.#stopped !== undefined,
      nowMs: this.#context.clock.nowMs(),
    };
  }

  /** D2 and D3. */
  async #remove(pod: Pod): Promise<void> {
    if (this.#deleted) return;
    if (!isTerminal(pod) && !(await this.#stop(pod, true))) return;
    if (this.#stopped !== undefined) await this.#publish();
    await deleteForGood(this.#context, this.#pod, this.#abort.signal);
    this.#deleted = true;
    this.#letGo();
    this.#context.addresses.release(pod.metadata.uid);
  }

  /** Its active deadline has passed: the containers stop and the pod has failed, whatever its restart policy. */
  async #endInTime(pod: Pod): Promise<void> {
    if (!this.#deadlineTold) this.#context.events.deadlineExceeded(pod);
    this.#deadlineTold = true;
    if (!(await this.#stop(pod, false))) return;
    this.#setback = { lasting: true, waiting: new Map(), trouble: deadlineExceeded, tell: () => undefined };
    await this.#publish();
    this.#letGo();
  }

  /** Stops what runs; false when a deletion with less grace came in between. `deleted`: the stop is D2. */
  async #stop(pod: Pod, deleted: boolean): Promise<boolean> {
    const vmUuid = vmUuidOf(pod);
    if (vmUuid === undefined || this.#stopped !== undefined) return true;
    const stopCall = { graceSeconds: graceSecondsOf(pod), abort: new AbortController() };
    this.#stopCall = stopCall;
    try {
      this.#stopped = await stopContainers(this.#context, pod, vmUuid, this.#life, deleted, this.#guest.hangs, AbortSignal.any([this.#abort.signal, stopCall.abort.signal]));
      return true;
    } catch (error) {
      if (stopCall.abort.signal.aborted) {
        this.#dirty = true;
        return false;
      }
      // Whether the VM still runs is HostD's to say, at the next attempt.
      this.#letGo();
      throw error;
    } finally {
      this.#stopCall = undefined;
    }
  }

  /** The pod has ended: by itself, or because somebody else wrote so (eviction), and then its containers have to end too. */
  async #letEnd(pod: Pod): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    const runs = [...(life.containers?.initContainers ?? []), ...(life.containers?.containers ?? [])].some((status) => status.state?.$case === "running");
    // Of a guest that hangs nobody hears.
    if (runs && !life.over && !this.#guest.hangs) {
      const stopCall = { graceSeconds: graceSecondsOf(pod), abort: new AbortController() };
      this.#stopCall = stopCall;
      try {
        await this.#context.agents.stopPod(life.agentAddress, life.vmUuid, pod.metadata.uid, stopCall.graceSeconds, AbortSignal.any([this.#abort.signal, stopCall.abort.signal]));
      } catch (error) {
        if (!stopCall.abort.signal.aborted) throw error;
        this.#dirty = true;
        return;
      } finally {
        this.#stopCall = undefined;
      }
    }
    this.#letGo();
  }

  #letGo(): void {
    this.#imageWait.leave();
    this.#life?.end();
    this.#life = undefined;
  }

  async #afterFailure(error: unknown): Promise<void> {
    const { monotonic, events } = this.#context;
    const { signal } = this.#abort;
    const waitMs = this.#backoff.nextMs();
    const setback = isBeingDeleted(this.#pod) ? undefined : setbackOf(error, this.#backoff.attempts);
    this.#setback = setback ?? this.#setback;
    // A call whose answer was lost may have been done.
    this.#mayHaveBody = true;
    setback?.tell(events, this.#pod);
    this.#logRetry(error);
    if (setback !== undefined) await this.#publish().catch((publishError: unknown) => this.#logRetry(publishError));
    if (setback?.lasting === true) return;
    const wait = new AbortController();
    this.#wait = wait;
    await monotonic.sleep(waitMs, AbortSignal.any([signal, wait.signal])).catch(() => undefined);
    this.#wait = undefined;
    this.#dirty = true;
  }

  #logRetry(error: unknown): void {
    const { namespace, name } = this.#pod.metadata;
    this.#context.log.info({ err: error, pod: `${namespace}/${name}`, attempts: this.#backoff.attempts }, "pod is not as it should be, will try again");
  }
}
