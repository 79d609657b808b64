import assert from "node:assert/strict";
import { test } from "node:test";
import { HostServiceClient } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { vmsOnHosts } from "../support/host-vms.js";
import { processOf } from "../support/process-of-room.js";
import { withEmulator } from "../support/running-emulator.js";
import { through } from "../support/through.js";

test("an ESXi process that was killed is a new boot of its hosts: the same VM powers on again, containers come back with restartCount + 1", { skip: process.platform === "linux" ? false : "reads /proc" }, async () => {
  await withEmulator(["--hosts", "2", "--log-level", "error"], async (running) => {
    const client = administrator(running.ready);
    try {
      const name = { namespace: "default", name: "web" };
      const spec = { containers: [{ name: "app", image: "nginx" }] };
      const { metadata: { uid } } = await client.create(pods, { metadata: name, spec });
      /** What host and API server say of the pod, once it runs for the n-th time. */
      const runs = (restarts: number) =>
        through(async () => {
          const pod = await client.get(pods, name);
          assert.deepEqual(pod.status?.containerStatuses?.map(({ ready, restartCount }) => [ready, restartCount]), [[true, restarts]], running.stderr().slice(-1_000));
          const [vm, ...others] = await vmsOnHosts(running, uid);
          assert.ok(vm !== undefined && others.length === 0);
          assert.equal(vm.phase, VmPhase.AGENT_READY);
          const { bootId } = await running.open("esxi").client(HostServiceClient).getHost({}, { authority: vm.hostName });
          return { uuid: vm.config?.uuid, powerOns: vm.powerOnCount, bootId, containerId: pod.status.containerStatuses[0]?.containerID };
        });
      const before = await runs(0);
      process.kill(processOf(running.process.pid ?? 0, "esxi") ?? assert.fail("no process runs esxi"), "SIGKILL");
      const now = await runs(1);
      assert.deepEqual([now.uuid, now.powerOns], [before.uuid, before.powerOns + 1]);
      assert.notEqual(now.bootId, before.bootId);
      assert.notEqual(now.containerId, before.containerId);
      const { violations } = await through(() => running.emulator.checkInvariants({ settle: { seconds: 20n, nanos: 0 } }));
      assert.deepEqual(violations, []);
    } finally {
      await client.close();
    }
  });
});
