import type { Command } from "commander";
import { fromTimestamp } from "../base/timestamp.js";
import { UserError } from "../base/user-error.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import { TaskServiceClient } from "../gen/spheresim/vcenter/v1/task_service.js";
import { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import { addListOptions, type ListFlags, wholeNumber } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";
import { followTask, stateName } from "./task-progress.js";
import { moid, PAGE_SIZE, type Vsphere, withVsphere } from "./vsphere.js";

interface TaskListFlags extends ListFlags {
  readonly last: number;
}

/** `spheresim task`: slow work of vCenter. */
export function addTask(program: Command): void {
  const task = program.command("task").description("tasks of vCenter: list, follow, cancel");
  addListOptions(task.command("list").description("tasks, newest first").option("--last <n>", "at most so many", wholeNumber(1, 10_000), 50)).action((flags: TaskListFlags) =>
    withVsphere(flags, async (vsphere) => {
      const tasks = await newest(vsphere, flags.last);
      print(flags.output, tasks.map((each) => TaskInfo.toJSON(each)), (wide) => taskTable(tasks, wide));
    }),
  );
  addConnectionOptions(task.command("follow").description("wait for a task; Ctrl-C leaves it running").argument("<task>")).action((id: string, flags: ConnectionOptions) =>
    withVsphere(flags, async (vsphere) => {
      const ended = await followTask(vsphere, await vsphere.client(TaskServiceClient).getTask({ task: taskRef(id) }));
      if (ended !== undefined) process.stdout.write(`${id} ${stateName(ended.state)}: ${ended.descriptionId} of ${ended.entityName}\n`);
    }),
  );
  addConnectionOptions(task.command("cancel").description("cancel a task that can still be cancelled").argument("<task>")).action((id: string, flags: ConnectionOptions) =>
    withVsphere(flags, async (vsphere) => {
      await vsphere.client(TaskServiceClient).cancelTask({ requestId: "", task: taskRef(id) });
      process.stdout.write(`${id} is asked to end\n`);
    }),
  );
}

function taskRef(id: string): { type: string; value: string } {
  if (!/^task-\d+$/.test(id)) throw new UserError("usage", `"${id}" is no task`, "see their ids with: spheresim task list");
  return { type: "Task", value: id };
}

async function newest(vsphere: Vsphere, count: number): Promise<TaskInfo[]> {
  const service = vsphere.client(TaskServiceClient);
  const tasks: TaskInfo[] = [];
  let pageToken = "";
  do {
    const page = await service.listTasks({ pageSize: Math.min(PAGE_SIZE, count - tasks.length), pageToken });
    tasks.push(...page.tasks);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && tasks.length < count);
  return tasks;
}

function taskTable(tasks: readonly TaskInfo[], wide: boolean): string {
  if (tasks.length === 0) return "there is no task\n";
  return table(
    ["task", "state", "what", "of", ...(wide ? ["queued", "took ms", "host", "result", "parent", "chain", "cancelable"] : []), "error", ...(wide ? ["description"] : [])],
    tasks.map((task) => [
      moid(task.task),
      task.cancelled ? "cancelled" : `${stateName(task.state)}${task.progress === undefined ? "" : ` ${task.progress} %`}`,
      task.descriptionId,
      task.entityName,
      ...(wide ? [timeText(task.queueTime), tookMs(task), moid(task.host), moid(task.result), task.parentTaskKey, String(task.eventChainId), task.cancelable ? "yes" : "no"] : []),
      task.error?.localizedMessage ?? "",
      ...(wide ? [task.description] : []),
    ]),
    screen().columns,
  );
}

function timeText(time: Timestamp | undefined): string {
  return time === undefined ? "" : new Date(fromTimestamp(time)).toISOString();
}

function tookMs({ startTime, completeTime }: TaskInfo): string {
  return startTime === undefined || completeTime === undefined ? "" : (fromTimestamp(completeTime) - fromTimestamp(startTime)).toFixed(1);
}
