import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { TaskServiceClient } from "../gen/spheresim/vcenter/v1/task_service.js";
import { type TaskInfo, TaskState } from "../gen/spheresim/vim/v1/task.js";
import { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import type { Channel } from "./channel.js";
import { type FollowedStream, followStream } from "./followed-stream.js";

/** Who hears of vCenter's tasks. */
export interface TaskListener {
  /** A task has ended; of one that has not, nothing need be told. */
  taskChanged(task: TaskInfo): void;
  /** Ends may have been missed. */
  tasksRestarted(): void;
}

/** One stream of the ends of all tasks, followed across restarts of vCenter. */
export function followTasks(channel: Channel, listener: TaskListener, around: { readonly clock: Clock; readonly dice: Dice; readonly log: Logger }): FollowedStream {
  const client = channel.client(TaskServiceClient);
  return followStream({
    name: "tasks",
    open: (resumeToken, signal) => client.watchTasks({ resumeToken, skipEnded: false, state: [TaskState.SUCCESS, TaskState.ERROR] }, { signal }),
    onChange: ({ kind, task }) => {
      if (task !== undefined && (kind === UpdateKind.ENTER || kind === UpdateKind.MODIFY)) listener.taskChanged(task);
    },
    onRestart: () => listener.tasksRestarted(),
    ...around,
  });
}
