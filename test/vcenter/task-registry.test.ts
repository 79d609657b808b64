import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { type TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { moref } from "../../src/vcenter/inventory/moref.js";
import { TaskRegistry } from "../../src/vcenter/tasks/task-registry.js";
import { VimFault } from "../../src/vcenter/vim-fault.js";

const MOST = 10_000;

function draft(tasks: TaskRegistry, number: number, parent?: TaskInfo): TaskInfo {
  const host = moref("HostSystem", "host-1");
  return tasks.draft({ moid: `task-${number}`, descriptionId: "HostSystem.enterMaintenanceMode", entity: host, entityName: "esxi-1", ownerUid: "", vmUuid: "", host, ephemeralDiskUuid: "", parent });
}

test("a task is queued, running, and ended, with its times; its grandchild names parent and root; observers hear of begin and end", () => {
  const clock = new ManualClock(1000);
  const tasks = new TaskRegistry(1n, clock);
  const heard: string[] = [];
  tasks.observer = { began: (task) => heard.push(`began ${task.task?.value}`), ended: (task) => heard.push(`ended ${task.task?.value} ${TaskState[task.state]}`) };
  const root = tasks.add(draft(tasks, 1), new AbortController());
  assert.deepEqual([root.state, root.cancelable, root.startTime, root.queueTime?.seconds], [TaskState.QUEUED, true, undefined, 1n]);
  const running = tasks.begin("task-1");
  assert.deepEqual([running.state, running.progress, running.startTime?.seconds], [TaskState.RUNNING, 0, 1n]);
  const child = tasks.add(draft(tasks, 2, running));
  const grandchild = tasks.add(draft(tasks, 3, child));
  assert.deepEqual([child.parentTaskKey, child.rootTaskKey, grandchild.parentTaskKey, grandchild.rootTaskKey, running.rootTaskKey], ["task-1", "task-1", "task-2", "task-1", ""]);
  assert.deepEqual(tasks.childrenOf("task-1").map((each) => each.task?.value), ["task-2"]);
  const failed = tasks.fail("task-1", VimFault.requestCanceled());
  assert.deepEqual([failed.state, failed.cancelled, failed.cancelable, failed.progress], [TaskState.ERROR, true, false, undefined]);
  tasks.succeed("task-2", undefined);
  assert.deepEqual(heard, ["began task-1", "ended task-1 ERROR", "ended task-2 SUCCESS"]);
});

test("tasks of an earlier life stand in order with the others, and their chains are not given again", () => {
  const tasks = new TaskRegistry(2n, new ManualClock());
  tasks.restore({ ...draft(tasks, 7), eventChainId: 40 });
  tasks.restore({ ...draft(tasks, 3), eventChainId: 12 });
  const added = tasks.add(draft(tasks, 9));
  assert.deepEqual(tasks.list().map((task) => task.task?.value), ["task-9", "task-7", "task-3"]);
  assert.ok(added.eventChainId > 40, String(added.eventChainId));
});

test("the oldest that ended are forgotten, one that runs never is", () => {
  const tasks = new TaskRegistry(1n, new ManualClock());
  tasks.add(draft(tasks, 1));
  for (let number = 2; number <= MOST + 5; number += 1) {
    tasks.add(draft(tasks, number));
    tasks.succeed(`task-${number}`, undefined);
  }
  assert.equal(tasks.list().length, MOST);
  assert.deepEqual([tasks.get("task-1")?.state, tasks.get("task-6"), tasks.get("task-7")?.state], [TaskState.QUEUED, undefined, TaskState.SUCCESS]);
});
