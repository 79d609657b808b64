import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import type { VmTasks } from "../machines/vm-tasks.js";

/** Takes up tasks of one kind that were under way when the vCenter before this one ended. */
export interface Resumer {
  /** vim25's description ids of the tasks it takes up. */
  readonly descriptionIds: readonly string[];
  readonly resume: (task: TaskInfo, vm: VmRecord) => void;
}

/**
 * Has every task that was under way go on where it was, by what is on record. A task that nobody can take up, because its VM has gone or it
 * is of a kind this version does not know, ends with an error.
 */
export function resumeTasks(stored: readonly TaskInfo[], resumers: readonly Resumer[], vmTasks: VmTasks): void {
  const { inventory, tasks, log } = vmTasks.options;
  const byDescription = new Map(resumers.flatMap(({ descriptionIds, resume }) => descriptionIds.map((id) => [id, resume] as const)));
  for (const task of stored) {
    const vm = inventory.findVm(task.entity?.value ?? "");
    const resume = byDescription.get(task.descriptionId);
    if (vm !== undefined && resume !== undefined) {
      resume(task, vm);
      continue;
    }
    const moid = task.task?.value ?? "";
    log.error({ task: moid, descriptionId: task.descriptionId, entity: task.entity?.value }, "a stored task cannot be taken up");
    tasks.restore(task);
    tasks.fail(moid, VimFault.invalidState(`The task was under way when vCenter ended, and cannot be taken up: ${vm === undefined ? "its virtual machine is gone" : `"${task.descriptionId}" is unknown`}.`));
    void vmTasks.conclude(moid).catch((error: unknown) => log.error({ err: error, task: moid }, "a stored task could not be removed"));
  }
}
