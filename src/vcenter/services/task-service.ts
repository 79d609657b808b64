import type { Clock } from "../../base/clock.js";
import type { TaskUpdate, WatchTasksRequest } from "../../gen/spheresim/vcenter/v1/task.js";
import { TaskServiceService } from "../../gen/spheresim/vcenter/v1/task_service.js";
import { TaskInfo, TaskState } from "../../gen/spheresim/vim/v1/task.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { moref } from "../inventory/moref.js";
import type { Pages } from "../inventory/pages.js";
import type { TaskRegistry } from "../tasks/task-registry.js";
import { VimFault } from "../vim-fault.js";
import { toRpcError } from "../errors.js";
import { answering, sendFeed } from "./answering.js";

/** What the service works with. */
export interface TaskServiceOptions {
  readonly tasks: TaskRegistry;
  readonly requests: RequestCache;
  readonly taskPages: Pages<TaskInfo>;
  readonly monotonic: Clock;
}

/** TaskService on the wire. */
export function taskService({ tasks, requests, taskPages, monotonic }: TaskServiceOptions): ServedService {
  return serve(TaskServiceService, {
    getTask: answering((request) => {
      const moid = required(request.task?.value);
      const task = tasks.get(moid);
      if (task === undefined) throw VimFault.notFound(moref("Task", moid));
      return task;
    }),
    listTasks: answering((request) => {
      const { items, nextPageToken } = taskPages.page(request, () => tasks.list());
      return { tasks: [...items], nextPageToken };
    }),
    watchTasks: async (request, stream, call) => {
      const states = statesOf(request);
      let synced = false;
      const message = (update: Parameters<typeof taskUpdate>[0]): TaskUpdate | undefined => {
        if (update.kind === "synced") synced = true;
        if (!("object" in update)) return taskUpdate(update);
        // Of a watch that goes on, what ended meanwhile is news.
        const hadEnded = !synced && request.resumeToken === "" && update.object.completeTime !== undefined;
        return (request.skipEnded && hadEnded) || states?.has(update.object.state) === false ? undefined : taskUpdate(update);
      };
      return sendFeed(tasks.feed, request.resumeToken, { stream, call, monotonic, message });
    },
    cancelTask: answering((request) => requests.answer("CancelTask", request, () => tasks.cancel(required(request.task?.value)))),
  });
}

type FeedUpdateOfTask = Parameters<Parameters<typeof sendFeed<TaskInfo, TaskUpdate>>[2]["message"]>[0];

function taskUpdate(update: FeedUpdateOfTask): TaskUpdate {
  switch (update.kind) {
    case "enter":
      return { kind: UpdateKind.ENTER, resumeToken: update.token, task: update.object };
    case "modify":
      return { kind: UpdateKind.MODIFY, resumeToken: update.token, task: update.object };
    case "leave":
      return { kind: UpdateKind.LEAVE, resumeToken: update.token, task: TaskInfo.create({ task: moref("Task", update.key) }) };
    case "synced":
      return { kind: UpdateKind.SYNCED, resumeToken: update.token, task: undefined };
    case "bookmark":
      return { kind: UpdateKind.BOOKMARK, resumeToken: update.token, task: undefined };
  }
}

/** Undefined for all. */
function statesOf({ state }: WatchTasksRequest): ReadonlySet<TaskState> | undefined {
  const [unknown] = state.flatMap((each, index) => (each === TaskState.UNSPECIFIED ? [index] : []));
  if (unknown !== undefined) throw toRpcError(VimFault.invalidArgument(`state[${unknown}]`, "is none that a task can be in"));
  return state.length === 0 ? undefined : new Set(state);
}

function required(moid: string | undefined): string {
  if (moid === undefined || moid === "") throw VimFault.invalidArgument("task", "is required");
  return moid;
}
