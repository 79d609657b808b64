import assert from "node:assert/strict";
import { test } from "node:test";
import { ResourcePoolServiceClient } from "../../src/gen/spheresim/vcenter/v1/resource_pool_service.js";
import { UpdateResourcePoolRequest } from "../../src/gen/spheresim/vcenter/v1/resource_pool.js";
import { VirtualMachineServiceClient } from "../../src/gen/spheresim/vcenter/v1/virtual_machine_service.js";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { run, withEmulator } from "../support/running-emulator.js";

type Amounts = Readonly<Record<string, string>>;

const pod = (namespace: string, name: string, resources: { readonly requests?: Amounts; readonly limits?: Amounts } = {}): string =>
  JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { namespace, name }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "c", image: "nginx", resources }] } });
const quota = (namespace: string, hard: Amounts): string => JSON.stringify({ apiVersion: "v1", kind: "ResourceQuota", metadata: { namespace, name: "team-quota" }, spec: { hard } });

test("a quota from kubectl to the resource pool, and back to the pod that finds it used up", { skip: skipWithout("kubectl") }, async (t) => {
  await withEmulator([], async (running) => {
    const { ready } = running;
    const kubectl = new Kubectl(ready.kubeconfig);
    t.after(() => kubectl.close());
    const pools = running.open("vcenter").client(ResourcePoolServiceClient);
    const poolOf = async (namespace: string) => (await pools.listResourcePools({ pageSize: 1000, pageToken: "" })).resourcePools.find((each) => each.namespace === namespace);
    const limitsBecome = (namespace: string, limits: readonly number[]): Promise<unknown> =>
      eventually(`the pool of ${namespace} has limits ${limits.join(", ")}`, async () => {
        const { cpuAllocation, memoryAllocation } = (await poolOf(namespace))?.config ?? {};
        assert.deepEqual([cpuAllocation?.limit, memoryAllocation?.limit], limits);
        return true;
      });
    const waits = (target: string, jsonPath: string, value: string): Promise<string> => kubectl.run(["wait", ...target.split(" "), `--for=jsonpath=${jsonPath}=${value}`, "--timeout=30s"]);

    await t.test("get, describe and discovery know both kinds", async () => {
      await kubectl.run("create namespace team");
      await kubectl.run("create quota small --hard=pods=3,limits.cpu=4,requests.memory=2Gi -n team");
      await waits("quota/small -n team", "{.status.used.pods}", "0");
      assert.match(await kubectl.run("get quota -n team"), /^NAME\s+AGE\s+REQUEST\s+LIMIT\nsmall\s+\d+s\s+pods: 0\/3, requests\.memory: 0\/2Gi\s+limits\.cpu: 0\/4$/);
      assert.match(await kubectl.run("describe quota small -n team"), /Resource\s+Used\s+Hard\n-+\s+-+\s+-+\nlimits\.cpu\s+0\s+4\npods\s+0\s+3\nrequests\.memory\s+0\s+2Gi$/);
      await kubectl.run("apply -f -", JSON.stringify({ apiVersion: "v1", kind: "LimitRange", metadata: { namespace: "team", name: "sizes" }, spec: { limits: [{ type: "Container", max: { cpu: "1" } }] } }));
      assert.match(await kubectl.run("get limits -n team"), /^NAME\s+CREATED AT\nsizes\s+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.match(await kubectl.run("describe limitrange sizes -n team"), /Container\s+cpu\s+-\s+1\s+1\s+1\s+-$/m);
      const described = await kubectl.run("describe namespace team");
      assert.match(described, /Resource Quotas\n\s+Name:\s+small/);
      assert.match(described, /Resource Limits\n/);
      assert.match(await kubectl.run("api-resources --api-group= -o wide"), /resourcequotas\s+quota\s+v1\s+true\s+ResourceQuota/);
      assert.match(await kubectl.run("explain quota.spec.hard"), /KIND:\s+ResourceQuota/);
      await kubectl.run("delete namespace team --timeout=30s");
    });

    await t.test("limits.cpu and limits.memory become the pool's limits, change with the quota and go with it", async () => {
      await kubectl.run("create namespace mirrored");
      await kubectl.run("apply -f -", quota("mirrored", { "limits.cpu": "10", "limits.memory": "5000Mi", "requests.cpu": "5" }));
      await limitsBecome("mirrored", [26_000, 5_000]);
      await waits("ns/mirrored", "{.metadata.annotations.vmware-system-resource-pool-cpu-limit}", "10.0000");
      await waits("ns/mirrored", "{.metadata.annotations.vmware-system-resource-pool-memory-limit}", "5000Mi");
      const config = (await poolOf("mirrored"))?.config;
      assert.deepEqual([config?.cpuAllocation?.reservation, config?.cpuAllocation?.expandableReservation, config?.cpuAllocation?.shares?.shares], [0, true, 4_000]);
      await kubectl.run("apply -f -", quota("mirrored", { "limits.cpu": "1500m" }));
      await limitsBecome("mirrored", [3_900, -1]);
      await kubectl.run("delete quota team-quota -n mirrored");
      await limitsBecome("mirrored", [-1, -1]);
      await kubectl.run("delete namespace mirrored --timeout=30s");
    });

    await t.test("a limit below what runs is refused by vCenter, told on the quota, and set when the pods are gone", async () => {
      await kubectl.run("create namespace busy");
      await kubectl.run("apply -f -", pod("busy", "runs", { requests: { memory: "1Gi" } }));
      await waits("pod/runs -n busy", "{.status.phase}", "Running");
      await kubectl.run("apply -f -", quota("busy", { "limits.memory": "512Mi" }));
      await eventually("an event says so", async () => /ResourcePoolLimitRefused.*512 MB is below the \d+ MB reserved in the pool/.test(await kubectl.run("get events -n busy --field-selector involvedObject.kind=ResourceQuota")));
      await limitsBecome("busy", [-1, -1]);
      await kubectl.run("delete pod runs -n busy");
      await limitsBecome("busy", [-1, 512]);
      await kubectl.run("delete namespace busy --timeout=30s");
    });

    await t.test("a pool whose memory limit is used up: event and explain give vCenter's fault with its numbers; lifting the quota lets the pod in", async () => {
      await kubectl.run("create namespace full");
      await kubectl.run("apply -f -", quota("full", { "limits.memory": "1Gi" }));
      await limitsBecome("full", [-1, 1_024]);
      // It fits the quota to the byte; as a VM it needs its overhead too.
      await kubectl.run("apply -f -", pod("full", "exact", { limits: { memory: "1Gi" } }));
      const fault = /InsufficientMemoryResourcesFault: The available Memory resources in the parent resource pool are insufficient for the operation: full has 1024 MB unreserved, 10\d\d MB are asked for/;
      await waits("pod/exact -n full", "{.status.conditions[?(@.type=='PodScheduled')].reason}", "Unschedulable");
      assert.match(await kubectl.run(["get", "events", "-n", "full", "--field-selector", "reason=FailedScheduling", "-o", "jsonpath={.items[*].message}"]), fault);
      const explained = await eventually("the journal has the attempt", async () => {
        const { stdout } = await run(["explain", "exact", "-n", "full", "--emulator", ready.endpoints["emulator"] ?? ""]);
        return /unreserved/.test(stdout) && stdout;
      });
      assert.match(explained, fault);
      assert.match(explained, /every host\s+ruled out\s+as told above/);
      await kubectl.run("delete quota team-quota -n full");
      await waits("pod/exact -n full", "{.status.phase}", "Running");
      await kubectl.run("delete namespace full --timeout=30s");
    });

    await t.test("a pool whose CPU limit is used up says so in MHz", async () => {
      await kubectl.run("create namespace narrow");
      const pool = await eventually("the namespace has its pool", () => poolOf("narrow"));
      await pools.updateResourcePool(UpdateResourcePoolRequest.fromPartial({ pool: pool.ref!, config: { ...pool.config!, cpuAllocation: { ...pool.config!.cpuAllocation!, limit: 3_000 } } }));
      await kubectl.run("apply -f -", pod("narrow", "first", { requests: { cpu: "1" } }));
      await waits("pod/first -n narrow", "{.status.phase}", "Running");
      await kubectl.run("apply -f -", pod("narrow", "second", { requests: { cpu: "1" } }));
      await waits("pod/second -n narrow", "{.status.conditions[?(@.type=='PodScheduled')].reason}", "Unschedulable");
      assert.match(
        await kubectl.run(["get", "events", "-n", "narrow", "--field-selector", "reason=FailedScheduling,involvedObject.name=second", "-o", "jsonpath={.items[*].message}"]),
        /InsufficientCpuResourcesFault: The available CPU resources in the parent resource pool are insufficient for the operation: narrow has 400 MHz unreserved, 2600 MHz are asked for/,
      );
      await kubectl.run("delete pod first -n narrow");
      await waits("pod/second -n narrow", "{.status.phase}", "Running");
      await kubectl.run("delete namespace narrow --timeout=30s");
    });

    await t.test("a Deployment over its quota says so in its ReplicaSet's events, and completes when the quota grows", async () => {
      await kubectl.run("create namespace fleet");
      await kubectl.run("create quota few --hard=pods=1 -n fleet");
      await waits("quota/few -n fleet", "{.status.used.pods}", "0");
      await kubectl.run("create deployment web --image=nginx --replicas=2 -n fleet");
      await waits("deployment/web -n fleet", "{.status.readyReplicas}", "1");
      const [note] = await eventually("the refusal is told", async () => {
        const found = /Error creating: pods "web-[^"]+" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1/.exec(await kubectl.run("get events -n fleet --field-selector reason=FailedCreate,involvedObject.kind=ReplicaSet"));
        return found ?? false;
      });
      assert.ok(note);
      await kubectl.run(["patch", "quota", "few", "-n", "fleet", "-p", '{"spec":{"hard":{"pods":"2"}}}']);
      await waits("deployment/web -n fleet", "{.status.readyReplicas}", "2");
      await waits("quota/few -n fleet", "{.status.used.pods}", "2");
      await kubectl.run("delete namespace fleet --timeout=30s");
    });

    await t.test("a pod without figures is sized from its namespace's limit range", async () => {
      await kubectl.run("create namespace sized");
      await kubectl.run("apply -f -", JSON.stringify({ apiVersion: "v1", kind: "LimitRange", metadata: { namespace: "sized", name: "sizes" }, spec: { limits: [{ type: "Container", default: { cpu: "2", memory: "2Gi" }, defaultRequest: { cpu: "500m", memory: "1Gi" } }] } }));
      await kubectl.run("apply -f -", pod("sized", "plain"));
      await waits("pod/plain -n sized", "{.status.phase}", "Running");
      const moid = (await kubectl.run(["get", "pod", "plain", "-n", "sized", "-o", "jsonpath={.metadata.annotations.vmware-system-vm-moid}"])).split(":")[0];
      const vms = await running.open("vcenter").client(VirtualMachineServiceClient).listVms({ pageSize: 1000, pageToken: "", onlyOwned: true });
      const config = vms.virtualMachines.find(({ ref }) => ref?.value === moid)?.config;
      assert.deepEqual([config?.numCpus, config?.memoryMb, config?.cpuAllocation?.reservation, config?.memoryAllocation?.reservation], [2, 2_048, 1_300, 1_024]);
    });
  });
});
