import assert from "node:assert/strict";
import { test } from "node:test";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { runCommands, watchByName } from "../support/kubectl-commands.js";
import { withEmulator } from "../support/running-emulator.js";

const POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {containers: [{name: c, image: 'nginx:1'}]}\n";

test("kubectl against an emulator", { skip: skipWithout("kubectl") }, async (t) => {
  await withEmulator([], async (running) => {
    const { ready, emulator } = running;
    const kubectl = new Kubectl(ready.kubeconfig);
    t.after(() => kubectl.close());
    const inventory = running.open("vcenter").client(InventoryServiceClient);
    const pools = async (): Promise<string[]> => (await inventory.getInventory({})).resourcePools.map((pool) => `${pool.name} ${pool.namespace}`);

    await t.test("a namespace makes a resource pool, and takes it along when it goes", async () => {
      await kubectl.run("create ns team");
      await eventually("the pool is there", async () => (await pools()).includes("team team"));
      const { resourcePools } = await inventory.getInventory({});
      const parent = resourcePools.find((pool) => pool.name === "Namespaces");
      assert.equal(resourcePools.find((pool) => pool.name === "team")?.parent?.value, parent?.ref?.value);
      await kubectl.run("run app -n team --image=nginx");
      await kubectl.run("wait pod/app -n team --for=condition=Ready --timeout=30s");
      const pool = resourcePools.find((each) => each.name === "team")?.ref?.value;
      const { virtualMachines } = await inventory.getInventory({});
      assert.deepEqual(virtualMachines.map((vm) => vm.pool?.value), [pool], "its pod's VM is in it");
      assert.equal(await kubectl.run("delete ns team --timeout=60s"), 'namespace "team" deleted');
      await eventually("the pool is gone", async () => !(await pools()).includes("team team"));
    });

    await runCommands(t, kubectl);

    await t.test("delete ns takes what is in it along", async () => {
      await kubectl.run("create configmap kept -n commands --from-literal=a=b");
      assert.equal(await kubectl.run("delete ns commands --timeout=60s"), 'namespace "commands" deleted');
      assert.match(await kubectl.refused("get configmap kept -n commands"), /NotFound/);
    });

    await t.test("a pod: apply, wait, get, describe, events", async () => {
      await kubectl.run("apply -f -", POD);
      assert.equal(await kubectl.run("wait --for=condition=Ready pod/web --timeout=30s"), "pod/web condition met");
      assert.equal(await kubectl.run("apply -f -", POD), "pod/web unchanged", "what the rooms wrote is none of the manifest's");
      assert.match(await kubectl.run("get pods -o wide"), /\nweb\s+1\/1\s+Running\s+0\s+\S+\s+10\.244\.\d+\.\d+\s+esxi-0\d\.spheresim\.test\s+<none>\s+<none>$/);
      const described = await kubectl.run("describe pod web");
      assert.match(described, /Node:\s+esxi-0\d\.spheresim\.test\/127\.0\.0\.1\n/);
      assert.match(described, /Normal\s+Scheduled\s+\S+(?: \([^)]*\))?\s+default-scheduler\s+Successfully assigned default\/web to esxi-0\d/);
      assert.match(await kubectl.run("get events --field-selector involvedObject.name=web"), /Normal\s+Started\s+pod\/web\s+Started container c/);
      assert.match(await kubectl.run("events --for pod/web"), /Normal\s+Scheduled\s+Pod\/web/);
      const node = await kubectl.run("get pod web -o jsonpath={.spec.nodeName}");
      assert.match(await kubectl.run(["describe", "node", node]), /Non-terminated Pods:\s+\(1 in total\)[^]*default\s+web\s/);
      assert.match(await kubectl.run("get nodes -o wide"), /esxi-01\.spheresim\.test\s+Ready\s+agent\s+\S+\s+v1\.32\.0-sph-spheresim\s+127\.0\.0\.1/);
    });

    await t.test("get NAME -w shows every change", () => watchByName(kubectl, "web"));

    await t.test("logs and the like say that they are not there, in one line", async () => {
      for (const [words, what] of [["logs web", "pods/log"], ["exec web -- ls", "pods/exec"]] as const) {
        assert.equal(await kubectl.refused(words), `Error from server (NotImplemented): ${what} is not implemented by spheresim`);
      }
      assert.equal(await kubectl.refused("port-forward web 0:80"), "error: error upgrading connection: pods/portforward is not implemented by spheresim");
    });

    await t.test("delete: with grace, waiting until the VM is gone; by force", async () => {
      assert.equal(await kubectl.run("delete pod web --grace-period=1 --wait --timeout=60s"), 'pod "web" deleted');
      assert.match(await kubectl.refused("get pod web"), /NotFound/);
      await kubectl.run("apply -f -", POD);
      await kubectl.run("wait --for=condition=Ready pod/web --timeout=30s");
      const gone = kubectl.run("wait --for=delete pod/web --timeout=60s");
      assert.match(await kubectl.run("delete pod web --force --grace-period=0"), /^pod "web" force deleted\n/);
      assert.match(await gone, /^(?:pod\/web condition met)?$/);
    });

    await t.test("rollout: status, history, restart, undo", async () => {
      await kubectl.run("create deployment roll --image=nginx:1 --replicas=2");
      assert.match(await kubectl.run("rollout status deployment/roll --timeout=60s"), /deployment "roll" successfully rolled out$/);
      await kubectl.run("set image deployment/roll nginx=nginx:2");
      await kubectl.run("rollout status deployment/roll --timeout=60s");
      assert.match(await kubectl.run("rollout history deployment/roll"), /REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>$/);
      assert.match(await kubectl.run("rollout history deployment/roll --revision=2"), /revision #2[^]*Image:\s+nginx:2/);
      assert.equal(await kubectl.run("rollout undo deployment/roll"), "deployment.apps/roll rolled back");
      await kubectl.run("rollout status deployment/roll --timeout=60s");
      assert.equal(await kubectl.run("get pods -l app=roll --field-selector status.phase=Running -o jsonpath={.items[*].spec.containers[0].image}"), "nginx:1 nginx:1");
      assert.match(await kubectl.run("rollout history deployment/roll"), /\n2\s+<none>\n3\s+<none>$/);
      await kubectl.run("rollout restart deployment/roll");
      await kubectl.run("rollout status deployment/roll --timeout=60s");
      await kubectl.run("scale deployment/roll --replicas=3");
      await kubectl.run("rollout status deployment/roll --timeout=60s");
      assert.match(await kubectl.run("describe deployment roll"), /3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable/);
      assert.match(await kubectl.run("get all"), /pod\/roll-[^]*deployment\.apps\/roll\s+3\/3[^]*replicaset\.apps\/roll-/);
    });

    await t.test("drain: a node's pods go elsewhere", async () => {
      const node = await kubectl.run("get pods -l app=roll -o jsonpath={.items[0].spec.nodeName}");
      assert.match(await kubectl.run(["drain", node, "--grace-period=1", "--timeout=60s"]), /drained$/);
      await kubectl.run("rollout status deployment/roll --timeout=60s");
      assert.match(await kubectl.run(["get", "pods", "--field-selector", `spec.nodeName=${node}`]), /No resources found/);
      assert.equal(await kubectl.run(["uncordon", node]), `node/${node} uncordoned`);
    });

    await t.test("and nothing is left behind", async () => {
      await kubectl.run("delete deployment roll --cascade=foreground --timeout=60s");
      await kubectl.run("wait --for=delete pod -l app=roll --timeout=60s");
      const { violations, vms } = await emulator.checkInvariants({ settle: { seconds: 10n, nanos: 0 } });
      assert.deepEqual([violations, vms], [[], 0]);
    });
  });
});
