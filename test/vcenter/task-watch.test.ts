import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, nextTurn, wallClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { TaskServiceClient } from "../../src/gen/spheresim/vcenter/v1/task_service.js";
import { TaskInfo, TaskState } from "../../src/gen/spheresim/vim/v1/task.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { openChannel } from "../../src/rpc/channel.js";
import { RequestCache } from "../../src/rpc/request-cache.js";
import { startRpcServer } from "../../src/rpc/server.js";
import { moref } from "../../src/vcenter/inventory/moref.js";
import { Pages } from "../../src/vcenter/inventory/pages.js";
import { taskService } from "../../src/vcenter/services/task-service.js";
import { TaskRegistry } from "../../src/vcenter/tasks/task-registry.js";

test("a watch of tasks in some states gets a bookmark a second while others alone change, whose token is as young as the last change", async () => {
  const monotonic = new ManualClock();
  const tasks = new TaskRegistry(1n, wallClock());
  const service = taskService({ tasks, requests: new RequestCache("vcenter"), taskPages: new Pages(1n, monotonic), monotonic });
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "vcenter", log: silentLogger, services: [service] });
  const channel = openChannel({ address: server.address });
  const over = new AbortController();
  try {
    const watch = channel.client(TaskServiceClient).watchTasks({ resumeToken: "", skipEnded: false, state: [TaskState.SUCCESS] }, { signal: over.signal });
    const updates = watch[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const { kind, resumeToken, task } = (await updates.next()).value!;
      return `${UpdateKind[kind]} ${resumeToken}${task === undefined ? "" : ` ${task.task?.value}`}`;
    };
    const change = async (moid: string, how: () => void = () => void tasks.add(TaskInfo.create({ task: moref("Task", moid), state: TaskState.RUNNING }))): Promise<void> => {
      how();
      // The watch takes it, and waits again.
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    };
    assert.equal(await next(), "SYNCED 1-0");
    for (let at = 1; at <= 20; at += 1) {
      await monotonic.advance(250);
      await change(`task-${at}`);
    }
    // 20 changes in 5 s.
    const seen = [await next(), await next(), await next(), await next(), await next()];
    assert.deepEqual(seen, ["BOOKMARK 1-4", "BOOKMARK 1-8", "BOOKMARK 1-12", "BOOKMARK 1-16", "BOOKMARK 1-20"]);
    await change("task-3", () => void tasks.succeed("task-3", undefined));
    assert.equal(await next(), "MODIFY 1-21 task-3");
    await monotonic.advance(10_000);
    assert.equal(await next(), "BOOKMARK 1-21");
  } finally {
    over.abort();
    channel.close();
    await server.close();
  }
});
