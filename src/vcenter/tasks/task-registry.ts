import type { Clock } from "../../base/clock.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { toTimestamp } from "../../base/timestamp.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import { TaskInfo, TaskReason, TaskState } from "../../gen/spheresim/vim/v1/task.js";
import { ChangeFeed } from "../inventory/change-feed.js";
import { moidNumber } from "../inventory/moid-counters.js";
import { moref } from "../inventory/moref.js";
import { MAX_RUNNING_TASKS } from "../spec-limits.js";
import { VimFault } from "../vim-fault.js";

/** What a new task is about. */
export interface TaskSubject {
  readonly moid: string;
  /** As vim25 spells it, such as `VirtualMachine.powerOn`. */
  readonly descriptionId: string;
  readonly entity: ManagedObjectReference;
  readonly entityName: string;
  readonly ownerUid: string;
  readonly vmUuid: string;
  readonly host: ManagedObjectReference | undefined;
  readonly ephemeralDiskUuid: string;
  /** The task that starts this one. */
  readonly parent?: TaskInfo | undefined;
  /** Who asked for it; a caller unless stated. */
  readonly reason?: TaskReason | undefined;
}

/** Is told when tasks begin and end; both say what is durable by then. */
export interface TaskObserver {
  began(task: TaskInfo): void;
  /** A task may end that never began. */
  ended(task: TaskInfo): void;
}

/** The most tasks kept; beyond it the oldest that have ended are forgotten. */
const MAX_TASKS = 10_000;

/** Every task of this vCenter, running ones and those that ended. vim25 type: TaskManager. */
export class TaskRegistry {
  readonly feed: ChangeFeed<TaskInfo>;
  readonly #tasks = new Map<string, TaskInfo>();
  readonly #cancels = new Map<string, AbortController>();
  /** The task that holds each VM. vim25: TaskInfo.locked. */
  readonly #locks = new Map<string, string>();
  readonly #clock: Clock;
  #eventChain = 0;
  #observer: TaskObserver | undefined;

  constructor(epoch: bigint, clock: Clock) {
    this.#clock = clock;
    this.feed = new ChangeFeed<TaskInfo>(epoch, (moid) => this.#tasks.get(moid));
  }

  /** Who is told of beginnings and ends, from now on. */
  set observer(observer: TaskObserver) {
    this.#observer = observer;
  }

  /** A new task as it will be stored: accepted, not begun. It is not registered yet. */
  draft(subject: TaskSubject): TaskInfo {
    this.#eventChain += 1;
    const now = toTimestamp(this.#clock.nowMs());
    return TaskInfo.create({
      task: moref("Task", subject.moid),
      descriptionId: subject.descriptionId,
      entity: subject.entity,
      entityName: subject.entityName,
      state: TaskState.QUEUED,
      queueTime: now,
      eventChainId: this.#eventChain,
      ownerUid: subject.ownerUid,
      vmUuid: subject.vmUuid,
      host: subject.host,
      ephemeralDiskUuid: subject.ephemeralDiskUuid,
      parentTaskKey: subject.parent?.task?.value ?? "",
      rootTaskKey: subject.parent === undefined ? "" : subject.parent.rootTaskKey || (subject.parent.task?.value ?? ""),
      reason: subject.reason ?? TaskReason.UNSPECIFIED,
    });
  }

  /** The task that holds a VM; undefined when none does. */
  holderOf(vm: string): string | undefined {
    return this.#locks.get(vm);
  }

  /** Throws TaskInProgress while a task holds the VM. */
  requireFree(vm: string): void {
    const holder = this.#locks.get(vm);
    if (holder !== undefined) throw VimFault.taskInProgress(moref("Task", holder));
  }

  /** How many tasks have not ended. */
  get running(): number {
    return this.#locks.size;
  }

  /** Registers a running task, which holds the VM it is about until it ends; `cancel` makes it cancelable. */
  add(task: TaskInfo, cancel?: AbortController): TaskInfo {
    const moid = task.task?.value ?? "";
    if (task.entity?.type === "VirtualMachine") {
      this.requireFree(task.entity.value);
      if (this.#locks.size >= MAX_RUNNING_TASKS) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `${MAX_RUNNING_TASKS} tasks run already`);
      this.#locks.set(task.entity.value, moid);
    }
    const info = { ...task, cancelable: cancel !== undefined };
    this.#eventChain = Math.max(this.#eventChain, task.eventChainId);
    this.#tasks.set(moid, info);
    if (cancel !== undefined) this.#cancels.set(moid, cancel);
    this.feed.changed(moid);
    this.#forgetOld();
    return info;
  }

  get(moid: string): TaskInfo | undefined {
    return this.#tasks.get(moid);
  }

  /** Adds a task that ended before this vCenter started. */
  restore(task: TaskInfo): void {
    const moid = task.task?.value ?? "";
    this.#eventChain = Math.max(this.#eventChain, task.eventChainId);
    this.#tasks.set(moid, task);
    this.feed.changed(moid);
    this.#forgetOld();
  }

  /** Takes back a task that could not be stored: nobody has seen it end, so nobody sees it at all. */
  withdraw(moid: string): void {
    const task = this.#tasks.get(moid);
    if (task === undefined) return;
    this.#unlock(task);
    this.#cancels.delete(moid);
    this.#tasks.delete(moid);
    this.feed.removed(moid);
  }

  /** Every task, newest first: in order of their numbers, also those of an earlier life of vCenter. */
  list(): TaskInfo[] {
    return [...this.#tasks.values()].sort((left, right) => moidNumber(right.task?.value ?? "") - moidNumber(left.task?.value ?? ""));
  }

  /** The work of a task begins. */
  begin(moid: string): TaskInfo {
    const task = this.#change(moid, (queued) => ({ ...queued, state: TaskState.RUNNING, progress: queued.progress ?? 0, startTime: queued.startTime ?? toTimestamp(this.#clock.nowMs()) }));
    this.#observer?.began(task);
    return task;
  }

  /** How far a running task is, percent. */
  progress(moid: string, percent: number): void {
    this.#change(moid, (task) => ({ ...task, progress: percent }));
  }

  /** What a running task does or waits for just now. */
  describe(moid: string, description: string): void {
    if (this.#tasks.get(moid)?.description !== description) this.#change(moid, (task) => ({ ...task, description }));
  }

  /** The tasks that this one started, as far as they are kept. */
  childrenOf(moid: string): TaskInfo[] {
    return [...this.#tasks.values()].filter((task) => task.parentTaskKey === moid);
  }

  /** Ends a task well. */
  succeed(moid: string, result: ManagedObjectReference | undefined): TaskInfo {
    return this.#end(moid, (task) => ({ ...task, state: TaskState.SUCCESS, result, description: "" }));
  }

  /** Ends a task with a fault. */
  fail(moid: string, fault: VimFault): TaskInfo {
    return this.#end(moid, (task) => ({ ...task, state: TaskState.ERROR, error: fault.methodFault, cancelled: fault.fault.$case === "requestCanceled" }));
  }

  /** Asks a task to stop; it ends with RequestCanceled. Throws NotSupported where it cannot. */
  cancel(moid: string): TaskInfo {
    const task = this.#tasks.get(moid);
    if (task === undefined) throw VimFault.notFound(moref("Task", moid));
    const controller = this.#cancels.get(moid);
    if (controller === undefined) throw VimFault.notSupported(`task ${moid} cannot be cancelled ${task.completeTime === undefined ? "while it does this" : "any more: it has ended"}`);
    controller.abort(VimFault.requestCanceled());
    return this.#tasks.get(moid) ?? task;
  }

  /** From now on a cancel has no effect. */
  pastCancel(moid: string): void {
    if (!this.#cancels.delete(moid)) return;
    this.#change(moid, (task) => ({ ...task, cancelable: false }));
  }

  #end(moid: string, how: (task: TaskInfo) => TaskInfo): TaskInfo {
    this.#cancels.delete(moid);
    const task = this.#tasks.get(moid);
    if (task !== undefined) this.#unlock(task);
    const now = toTimestamp(this.#clock.nowMs());
    const ended = this.#change(moid, (running) => ({ ...how(running), progress: undefined, cancelable: false, startTime: running.startTime ?? now, completeTime: now }));
    this.#observer?.ended(ended);
    return ended;
  }

  #change(moid: string, how: (task: TaskInfo) => TaskInfo): TaskInfo {
    const before = this.#tasks.get(moid);
    if (before === undefined) throw new Error(`no task ${moid}`);
    const task = how(before);
    this.#tasks.set(moid, task);
    this.feed.changed(moid);
    return task;
  }

  #unlock(task: TaskInfo): void {
    const vm = task.entity?.value ?? "";
    if (this.#locks.get(vm) === task.task?.value) this.#locks.delete(vm);
  }

  #forgetOld(): void {
    if (this.#tasks.size <= MAX_TASKS) return;
    for (const [moid, task] of this.#tasks) {
      if (task.completeTime === undefined) continue;
      this.#tasks.delete(moid);
      this.feed.removed(moid);
      if (this.#tasks.size <= MAX_TASKS) return;
    }
  }
}
