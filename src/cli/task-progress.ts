import { UserError } from "../base/user-error.js";
import { TaskServiceClient } from "../gen/spheresim/vcenter/v1/task_service.js";
import { type TaskInfo, TaskState } from "../gen/spheresim/vim/v1/task.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import { stopRequest } from "./stop-request.js";
import { moid, type Vsphere } from "./vsphere.js";

/** The state of a task in a word. */
export function stateName(state: TaskState): string {
  return TaskState[state].toLowerCase();
}

/** The task on one line. */
function taskLine(task: TaskInfo): string {
  const percent = task.progress === undefined ? "" : ` ${task.progress} %`;
  return `${moid(task.task)}  ${task.descriptionId} of ${task.entityName}: ${stateName(task.state)}${percent}${task.description === "" ? "" : `; ${task.description}`}`;
}

function isOver({ state }: TaskInfo): boolean {
  return state === TaskState.SUCCESS || state === TaskState.ERROR;
}

/**
 * Waits for a task, showing its progress where standard error is a terminal. Resolves with the task when it succeeded; undefined when a
 * person pressed Ctrl-C, which leaves the task running and says how to go on. Throws a UserError when it failed.
 */
export async function followTask(vsphere: Vsphere, task: TaskInfo): Promise<TaskInfo | undefined> {
  const stop = stopRequest();
  const display = progressDisplay();
  try {
    const ended = isOver(task) ? task : await lastOf(vsphere, task, stop.signal, display.show);
    display.clear();
    if (ended === undefined) {
      const id = moid(task.task);
      process.stderr.write(`spheresim: ${id} goes on; follow it with: spheresim task follow ${id}; cancel it with: spheresim task cancel ${id}\n`);
      process.exitCode = stop.exitCode;
      return undefined;
    }
    if (ended.state === TaskState.ERROR) throw failure(ended);
    return ended;
  } finally {
    stop.release();
  }
}

function failure(task: TaskInfo): UserError {
  const why = [task.error?.localizedMessage ?? "", task.description].filter((each) => each !== "").join(" ");
  return new UserError("failed", task.cancelled ? `${moid(task.task)} was cancelled` : `${moid(task.task)} (${task.descriptionId} of ${task.entityName}) failed${why === "" ? "" : `: ${why}`}`);
}

/** The task as it ended; undefined when `stop` was aborted before that. */
async function lastOf(vsphere: Vsphere, task: TaskInfo, stop: AbortSignal, show: (task: TaskInfo) => void): Promise<TaskInfo | undefined> {
  const tasks = vsphere.client(TaskServiceClient);
  const id = moid(task.task);
  show(task);
  try {
    for await (const update of tasks.watchTasks({ resumeToken: "", skipEnded: true, state: [] }, { signal: stop })) {
      // What ended before the watch began is not told by it.
      const now = update.kind === UpdateKind.SYNCED ? await tasks.getTask({ task: task.task }) : moid(update.task?.task) === id ? update.task : undefined;
      if (now === undefined) continue;
      if (update.kind === UpdateKind.LEAVE) throw new UserError("failed", `vCenter has forgotten ${id}`, "see what it did with: spheresim events");
      if (isOver(now)) return now;
      show(now);
    }
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
  throw new UserError("failed", `vCenter ended the stream of tasks before ${id} was over`, `follow it with: spheresim task follow ${id}`);
}

/** One line that changes, on standard error, where that is a terminal. */
function progressDisplay(): { readonly show: (task: TaskInfo) => void; readonly clear: () => void } {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  return {
    show: (task) => void stderr.write(`\r\u001B[K${taskLine(task).slice(0, Math.max(1, (stderr.columns || 80) - 1))}`),
    clear: () => void stderr.write("\r\u001B[K"),
  };
}

/** Waits for the task unless that is not wanted, and says what became of it. */
export async function finish(vsphere: Vsphere, task: TaskInfo, flags: { readonly wait: boolean }, said: (task: TaskInfo) => string | Promise<string>): Promise<void> {
  if (!flags.wait) {
    process.stdout.write(`${moid(task.task)} ${stateName(task.state)}\n`);
    return;
  }
  const ended = await followTask(vsphere, task);
  if (ended === undefined) return;
  vsphere.forget();
  process.stdout.write(`${await said(ended)}\n`);
}
