import assert from "node:assert/strict";
import { test } from "node:test";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { VirtualMachinePowerState } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { events, nodes, pods } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { eventually } from "../support/eventually.js";
import { withEmulator } from "../support/running-emulator.js";

const tenCores = { requests: { cpu: "10", memory: "1Gi" }, limits: { cpu: "10", memory: "1Gi" } };

test("a pod that has ended reserves nothing: its VM is off and another one has its place; one that names a full node itself is OutOfcpu and leaves no VM", async () => {
  await withEmulator(["--hosts", "1"], async (running) => {
    const client = administrator(running.ready);
    const create = (name: string, spec: Partial<PodSpec>): Promise<Pod> =>
      client.create(pods, { metadata: { name, namespace: "default", annotations: name === "job" ? { "spheresim.dev/exit-code": "0" } : {} }, spec: { containers: [{ name: "web", image: "nginx", resources: tenCores }], ...spec } });
    const becomes = (name: string, holds: (pod: Pod) => boolean): Promise<Pod> =>
      eventually(`${name} is so`, async () => {
        const pod = await client.get(pods, { namespace: "default", name });
        return holds(pod) ? pod : undefined;
      });
    const inventory = running.open("vcenter").client(InventoryServiceClient);
    const powerOf = async (pod: Pod): Promise<VirtualMachinePowerState | undefined> => (await inventory.getInventory({})).virtualMachines.find(({ ownerUid }) => ownerUid === pod.metadata.uid)?.powerState;
    try {
      const job = await create("job", { restartPolicy: "Never" });
      const over = await becomes("job", ({ status }) => status?.phase === "Succeeded");
      await eventually("its VM is off", async () => (await powerOf(job)) === VirtualMachinePowerState.POWERED_OFF);
      const { reservedCpuMhz } = (await inventory.getInventory({})).hosts[0]!.usage!;
      assert.equal(reservedCpuMhz, 0);

      await create("web", {});
      await becomes("web", ({ status }) => findCondition(status?.conditions, "Ready")?.status === "True");

      const nodeName = (await client.list(nodes)).items[0]!.metadata.name;
      const full = await create("full", { nodeName });
      const message = "Node didn't have enough resource: cpu, requested: 10000, used: 10000, capacity: 16000";
      const { status } = await becomes("full", (pod) => pod.status?.phase === "Failed");
      assert.deepEqual([status?.reason, status?.message, status?.containerStatuses ?? []], ["OutOfcpu", `Pod was rejected: ${message}`, []]);
      await eventually("told", async () => (await client.list(events, { namespace: "default", fieldSelector: "involvedObject.name=full" })).items.some((event) => event.reason === "OutOfcpu" && event.message === message));
      await eventually("no VM runs for it", async () => [undefined, VirtualMachinePowerState.POWERED_OFF].includes(await powerOf(full)));

      await eventually("all agree", async () => (await running.emulator.checkInvariants({ settle: { seconds: 10n, nanos: 0 } })).violations.length === 0);
      assert.deepEqual((await client.get(pods, { namespace: "default", name: "job" })).status, over.status, "nothing more is told of it");
      await client.delete(pods, { namespace: "default", name: "job" });
      await eventually("its VM is gone", async () => (await powerOf(job)) === undefined);
      await eventually("all agree again", async () => (await running.emulator.checkInvariants({ settle: { seconds: 10n, nanos: 0 } })).violations.length === 0);
    } finally {
      await client.close();
    }
  });
});
