import assert from "node:assert/strict";
import { test } from "node:test";
import { EventFilter } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { EventServiceClient } from "../../src/gen/spheresim/vcenter/v1/event_service.js";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { events, pods } from "../../src/kubernetes/resource-type.js";
import { openChannel } from "../../src/rpc/channel.js";
import { administrator } from "../support/administrator.js";
import { eventually } from "../support/eventually.js";
import { withEmulator } from "../support/running-emulator.js";

const PANIC = "The guest died: Kernel panic - not syncing: asked for by annotation spheresim.dev/guest-panics-after";

test("a guest that panics: vCenter's events, the pod's status and event, and a second life of its containers; with restartPolicy Never the end", async () => {
  await withEmulator([], async (running) => {
    const client = administrator(running.ready);
    const channel = openChannel({ address: running.ready.endpoints.vcenter ?? "" });
    const create = (name: string, spec: Partial<PodSpec>, panics: string): Promise<Pod> =>
      client.create(pods, { metadata: { name, namespace: "default", annotations: { "spheresim.dev/guest-panics-after": panics } }, spec: { containers: [{ name: "web", image: "nginx" }], ...spec } });
    const becomes = (name: string, holds: (pod: Pod) => boolean): Promise<Pod> =>
      eventually(`${name} is so`, async () => {
        const pod = await client.get(pods, { namespace: "default", name });
        return holds(pod) ? pod : undefined;
      });
    try {
      await create("web", {}, "1s,stays");
      await create("job", { restartPolicy: "Never" }, "1s");
      const job = await becomes("job", ({ status }) => status?.phase === "Failed");
      assert.deepEqual([job.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, job.status?.containerStatuses?.[0]?.restartCount], [255, 0]);
      const web = await becomes("web", ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0 && findCondition(status?.conditions, "Ready")?.status === "True");
      const status = web.status?.containerStatuses?.[0];
      assert.deepEqual([status?.restartCount, status?.lastState?.terminated?.exitCode, status?.lastState?.terminated?.reason, web.status?.reason], [1, 255, "Unknown", undefined]);
      await eventually("the pod's event", async () => {
        const { items } = await client.list(events, { namespace: "default", fieldSelector: "involvedObject.name=web" });
        return items.some(({ type, reason, message }) => type === "Warning" && reason === "ProviderFailed" && message === `HostD: ${PANIC}`);
      });
      const { virtualMachines } = await channel.client(InventoryServiceClient).getInventory({});
      const vm = virtualMachines.find((each) => each.ownerUid === web.metadata.uid);
      assert.equal(vm?.guestHeartbeatStatus, ManagedEntityStatus.GREEN);
      const log = await channel.client(EventServiceClient).queryEvents({ filter: EventFilter.fromPartial({ entity: vm?.ref }), pageSize: 1000, pageToken: "" });
      const types = log.events.map(({ type }) => type);
      const death = types.indexOf("VmMessageErrorEvent");
      assert.match(log.events[death]?.fullFormattedMessage ?? "", /^Error message on \S+ on esxi-\S+ in \S+: The guest died: Kernel panic/);
      assert.deepEqual(types.slice(death), ["VmMessageErrorEvent", "VmPoweredOffEvent", "TaskEvent", "VmStartingEvent", "DrsVmPoweredOnEvent"]);
    } finally {
      channel.close();
      await client.close();
    }
  });
});
