import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import { isBeingDeleted } from "../../kubernetes/object-meta.js";
import { isTerminal, type Pod } from "../../kubernetes/pod.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import { ActiveDeadline, deadlineExceeded } from "./active-deadline.js";
import type { HostContext } from "../node/host-context.js";
import { GuestWatch } from "./guest-watch.js";
import { lostContainers } from "./lost-containers.js";
import { PodRetries } from "./pod-retries.js";
import { loggedAs, mayBeMended, setbackOf } from "./pod-setback.js";
import type { PodSituation, Trouble } from "../status/pod-status.js";
import { PodStart } from "./pod-start.js";
import { PodStop } from "./pod-stop.js";
import { deleteForGood, stopAbandoned } from "./pod-teardown.js";
import { StandingSetback } from "./standing-setback.js";
import { isNewer } from "../status/resource-version.js";
import { StatusPublisher } from "../status/status-publisher.js";
import type { VmLife } from "./vm-life.js";
import type { AgentAddress, VmNews } from "../vsphere.js";

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
  readonly #retries: PodRetries;
  readonly #onGone: () => void;
  #pod: Pod;
  /** Whether anybody asked to configure the pod, or a former Spherelet may have. */
  #asked: boolean;
  readonly #start: PodStart;
  #life: VmLife | undefined;
  readonly #setback: StandingSetback;
  #missesVm: Trouble | undefined;
  readonly #guest = new GuestWatch();
  /** The containers of the life that ended, until the next one has told of its own. */
  #lost: PodContainers | undefined;
  readonly #deadline: ActiveDeadline;
  #deadlineTold = false;
  readonly #stop: PodStop;
  #deleted = false;
  #running: Promise<void> | undefined;
  #dirty = false;
  readonly #status: StatusPublisher;

  /**
   * `recovered`: the pod was there before this Spherelet; who configured it is not known any more. `onGone`: the API server has no such
   * pod, which nobody may have heard of who only listens.
   */
  constructor(context: HostContext, pod: Pod, recovered: boolean, onGone: () => void) {
    this.#context = context;
    this.#onGone = onGone;
    this.#pod = pod;
    this.#asked = recovered;
    if (recovered && !isTerminal(pod)) context.room.take(pod);
    this.#start = new PodStart({
      context,
      recovered,
      pod: () => this.#pod,
      onLife: (life) => this.#lives(life),
      onContainers: (now) => (now === undefined ? this.#lifeIsOver() : this.#stop.isUnderWay ? this.#publishInTime() : this.wake("soon")),
      onImages: () => this.wake("urgent"),
      onSlow: () => this.#publishInTime(),
    });
    this.#deadline = new ActiveDeadline(context.clock, () => this.#interrupt());
    this.#stop = new PodStop(context, this.#abort.signal);
    this.#status = new StatusPublisher({ context, closed: this.#abort.signal, situation: () => this.#situation(), onWritten: (written) => this.#written(written) });
    const dice = context.dice.fork(pod.metadata.uid);
    this.#retries = new PodRetries(context, dice);
    this.#setback = new StandingSetback(context.clock, dice.fork("setback"));
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** Where its agent answers, while it has one. */
  get agent(): AgentAddress | undefined {
    return this.#life?.agent;
  }

  /** Whether the pod was taken on. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Step 11: somebody wants the pod configured. */
  ask(): void {
    this.#asked = true;
    if (this.#setback.lasts) this.#setback.clear();
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
    if (hangs) this.#stop.breakOff();
    this.wake("soon");
    if (this.#asked) this.#publishInTime();
  }

  #lives(life: VmLife): void {
    this.#life = life;
    this.#guest.lives(life.powerOnCount);
  }

  #lifeIsOver(): void {
    const last = this.#life?.containers;
    if (last !== undefined) this.#lost = lostContainers(last, this.#context.clock.nowMs());
    this.#interrupt();
  }

  wake(why: Wake): void {
    if (this.#abort.signal.aborted) return;
    this.#dirty = true;
    if (why === "urgent") this.#retries.hurry();
    this.#running ??= this.#run();
  }

  /** The object is gone from the API server: what still runs for it is stopped, unless `signal` aborts. */
  async abandon(signal: AbortSignal): Promise<void> {
    const stopped = this.#deleted ? undefined : stopAbandoned(this.#context, this.#pod, this.#life, signal);
    await Promise.all([stopped, this.close()]);
  }

  /** Ends the work on this pod; resolves when it has ended. Containers and VM stay as they are. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#start.interrupt();
    this.#setback.silence();
    this.#letGo();
    this.#context.vacate(this.#pod.metadata.uid);
    await this.#running;
    await this.#status.idle;
    this.#deadline.forget();
  }

  /** Makes a newer state of the pod the present one. */
  #take(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    const deletionIsNew = isBeingDeleted(pod) && !isBeingDeleted(before);
    const endIsNew = isTerminal(pod) && !isTerminal(before);
    if (endIsNew) this.#context.room.leave(pod.metadata.uid);
    if (deletionIsNew || endIsNew || vmUuidOf(pod) !== vmUuidOf(before)) this.#interrupt();
    if (this.#setback.lasts && mayBeMended(before, pod)) {
      this.#setback.clear();
      this.wake("urgent");
    }
    this.#stop.heed(pod);
  }

  /** What is more urgent than a start does not wait for its answer. */
  #interrupt(): void {
    this.#start.interrupt();
    this.wake("urgent");
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    // Whoever woke us may have more to say.
    await Promise.resolve();
    while (this.#dirty && !signal.aborted) {
      this.#dirty = false;
      try {
        await this.#round();
        this.#retries.succeeded();
      } catch (error) {
        if (!signal.aborted) await this.#afterFailure(error);
      }
    }
    this.#running = undefined;
  }

  async #round(): Promise<void> {
    const pod = this.#pod;
    if (isBeingDeleted(pod) || isTerminal(pod)) this.#setback.silence();
    if (isBeingDeleted(pod)) return this.#remove(pod);
    if (isTerminal(pod)) return void (await this.#letEnd(pod));
    if (this.#deadline.isOver(pod)) return this.#endInTime(pod);
    if (!this.#setback.lasts) await this.#start.admit(pod);
    const vmUuid = vmUuidOf(pod);
    if (vmUuid !== undefined && this.#asked && !this.#setback.lasts && !this.#guest.dead && this.#mustStart(vmUuid)) await this.#begin(pod, vmUuid);
    if (this.#asked || this.#missesVm !== undefined) await this.#publish();
  }

  #mustStart(vmUuid: string): boolean {
    const life = this.#life;
    return life === undefined || life.over || life.vmUuid !== vmUuid || life.containers === undefined;
  }

  /** Steps 12 and 13. */
  async #begin(pod: Pod, vmUuid: string): Promise<void> {
    if (this.#life !== undefined) {
      this.#start.doubt();
      this.#letGo();
    }
    const done = await this.#start.run(pod, vmUuid);
    if (!done) this.#dirty = true;
    if (!done || this.#life === undefined) return;
    this.#lost = undefined;
    this.#setback.clear();
    this.#missesVm = undefined;
  }

  /** Step 14. */
  async #publish(): Promise<void> {
    await this.#status.publish();
    if (!this.#abort.signal.aborted) this.#deadline.watch(this.#pod);
  }

  /** The status as it stands, while the work goes on. */
  #publishInTime(): void {
    this.#publish().catch((error: unknown) => this.#logRetry(error));
  }

  #written(pod: Pod | undefined): void {
    if (pod === undefined) this.#onGone();
    else if (isNewer(pod, this.#pod)) this.#take(pod);
  }

  #situation(): PodSituation | undefined {
    const pod = this.#pod;
    const life = this.#life?.over === true ? undefined : this.#life;
    // Of a pod on its way out is told what ended while something still runs, and the end as such; one that stands is not told again.
    const isLeaving = this.#stop.isUnderWay || isBeingDeleted(pod);
    if (!this.#stop.isDone && (isTerminal(pod) || (isLeaving && life?.runs !== true))) return undefined;
    const setback = this.#setback.now?.trouble;
    return {
      pod,
      hostIp: this.#context.host.address,
      podIp: this.#life?.podIp,
      containers: this.#stop.ended ?? life?.containers ?? this.#lost,
      waiting: this.#start.images.reasons(pod),
      trouble: setback?.final === true ? setback : (this.#guest.trouble ?? setback ?? life?.trouble ?? this.#missesVm),
      stopped: this.#stop.isDone,
      nowMs: this.#context.clock.nowMs(),
    };
  }

  /** D2 and D3. */
  async #remove(pod: Pod): Promise<void> {
    if (this.#deleted) return;
    if (!(await (isTerminal(pod) ? this.#letEnd(pod) : this.#stopContainers(pod, true)))) return;
    if (this.#stop.isDone) await this.#publish();
    await deleteForGood(this.#context, this.#pod, this.#abort.signal);
    this.#deleted = true;
    this.#letGo();
    this.#context.vacate(this.#pod.metadata.uid);
  }

  /** Its active deadline has passed: the containers stop and the pod has failed, whatever its restart policy. */
  async #endInTime(pod: Pod): Promise<void> {
    if (!this.#deadlineTold) this.#context.events.deadlineExceeded(pod);
    this.#deadlineTold = true;
    if (!(await this.#stopContainers(pod, false))) return;
    this.#setback.stand({ lasting: true, trouble: deadlineExceeded, tell: () => undefined }, () => undefined);
    await this.#publish();
    this.#letGo();
  }

  /** Stops what runs; false when the stop was broken off for another one. */
  async #stopContainers(pod: Pod, deleted: boolean): Promise<boolean> {
    try {
      const done = await this.#stop.run(pod, this.#life, deleted, this.#guest.hangs);
      if (!done) this.#dirty = true;
      return done;
    } catch (error) {
      // Whether the VM still runs is HostD's to say, at the next attempt.
      this.#letGo();
      throw error;
    }
  }

  /** The pod has ended: by itself, or because somebody else wrote so (eviction), and then its containers have to end too; false as above. */
  async #letEnd(pod: Pod): Promise<boolean> {
    const life = this.#life;
    // Of a guest that hangs nobody hears.
    const done = life?.runs !== true || this.#guest.hangs || (await this.#stop.silence(pod, life));
    if (done) this.#letGo();
    else this.#dirty = true;
    return done;
  }

  #letGo(): void {
    this.#start.leave();
    this.#life?.end();
    this.#life = undefined;
  }

  async #afterFailure(error: unknown): Promise<void> {
    const { events } = this.#context;
    const attempts = this.#retries.failed();
    const setback = isBeingDeleted(this.#pod) ? undefined : setbackOf(error, attempts);
    const tell = (): void => setback?.tell(events, this.#pod);
    if (setback !== undefined) this.#setback.stand(setback, tell);
    // A call whose answer was lost may have been done.
    this.#start.doubt();
    tell();
    this.#logRetry(error);
    if (setback !== undefined) await this.#publish().catch((publishError: unknown) => this.#logRetry(publishError));
    if (setback?.lasting === true) return;
    await this.#retries.wait(setback?.ofVolumes === true, this.#abort.signal);
    this.#dirty = true;
  }

  #logRetry(error: unknown): void {
    const { namespace, name } = this.#pod.metadata;
    this.#context.log.info({ ...loggedAs(error), pod: `${namespace}/${name}`, attempts: this.#retries.attempts }, "pod is not as it should be, will try again");
  }
}
