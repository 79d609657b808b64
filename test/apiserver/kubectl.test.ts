import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { runCommands, watchByName } from "../support/kubectl-commands.js";
import { type Cluster, startCluster } from "./cluster.js";

const POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {containers: [{name: c, image: 'nginx:1'}]}\n";
const NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: esxi-01, labels: {node-role.kubernetes.io/agent: ''}}\nstatus: {capacity: {cpu: '16', memory: 64Gi, pods: '110'}, conditions: [{type: Ready, status: 'True'}]}\n";

describe("kubectl", { skip: skipWithout("kubectl") }, () => {
  let cluster: Cluster;
  let tool: Kubectl;
  before(async () => {
    cluster = await startCluster();
    tool = new Kubectl(cluster.kubeconfig);
  });
  after(async () => {
    tool.close();
    await cluster.close();
  });

  const kubectl = (args: string | string[], input = "", fails = false): Promise<string> => (fails ? tool.refused(args, input) : tool.run(args, input));

  test("commands that need nothing behind the API server", (t) => runCommands(t, tool));

  test("get NAME -w shows every change", async () => {
    await kubectl("apply -f -", POD.replace("name: web", "name: followed"));
    await watchByName(tool, "followed");
    await kubectl("delete pod followed");
  });

  test("version", async () => assert.match(await kubectl("version"), /Server Version: v1\.32\.0\+spheresim/));

  test("apply twice without a flag, get in its forms, describe, delete", async () => {
    assert.equal(await kubectl("apply -f -", POD), "pod/web created");
    assert.equal(await kubectl("apply -f -", POD), "pod/web unchanged");
    assert.equal(await kubectl("apply -f -", POD.replace("nginx:1", "nginx:2")), "pod/web configured");
    assert.match(await kubectl("get pods"), /^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\nweb\s+0\/1\s+Pending\s+0\s+\d+s$/);
    assert.match(await kubectl("get pods -o wide"), /NOMINATED NODE\s+READINESS GATES\nweb .*<none>/);
    assert.match(await kubectl("get pod web -o yaml"), /image: nginx:2/);
    assert.equal(await kubectl("get pods -l app=web -o name"), "pod/web");
    assert.match(await kubectl("get po -A --field-selector metadata.name=none"), /No resources found/);
    assert.match(await kubectl("describe pod web"), /QoS Class:\s+BestEffort/);
    assert.equal(await kubectl("delete pod web"), 'pod "web" deleted');
    assert.match(await kubectl("get pod web", "", true), /Error from server \(NotFound\): pods "web" not found/);
  });

  test("strict validation names the field; a kind that is not served is said to be none", async () => {
    assert.match(await kubectl("apply -f -", POD.replace("spec: {", "spec: {foo: 1, "), true), /strict decoding error: unknown field "spec\.foo"/);
    assert.match(await kubectl("apply -f -", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n", true), /no matches for kind "Job" in version "batch\/v1"/);
    assert.match(await kubectl("apply -f -", POD.replace("name: web", "name: Web_"), true), /The Pod "Web_" is invalid: metadata\.name: Invalid value/);
  });

  test("creates from protobuf bodies: namespace, deployment, configmap, secret, service, account, class", async () => {
    for (const [args, answer] of [
      ["create ns team", "namespace/team created"],
      ["create deployment web --image=nginx --replicas=2 -n team", "deployment.apps/web created"],
      ["create configmap settings --from-literal=a=b -n team", "configmap/settings created"],
      ["create secret generic keys --from-literal=a=b -n team", "secret/keys created"],
      ["create service clusterip web --tcp=80:8080 -n team", "service/web created"],
      ["create serviceaccount robot -n team", "serviceaccount/robot created"],
      ["create priorityclass high --value=5", "priorityclass.scheduling.k8s.io/high created"],
    ] as const) {
      assert.equal(await kubectl(args), answer);
    }
    assert.equal(await kubectl("get secret keys -n team -o jsonpath={.data.a}"), "Yg==");
    assert.equal(await kubectl("get svc web -n team -o jsonpath={.spec.ports[0].targetPort}"), "8080");
    assert.match(await kubectl("get all -n team"), /deployment\.apps\/web\s+0\/2/);
  });

  test("label, annotate, scale, set image, patch, rollout restart", async () => {
    assert.equal(await kubectl("create deployment roll --image=nginx"), "deployment.apps/roll created");
    assert.equal(await kubectl("label deployment roll tier=front"), "deployment.apps/roll labeled");
    assert.equal(await kubectl("annotate deployment roll note=x"), "deployment.apps/roll annotated");
    assert.equal(await kubectl("scale deployment roll --replicas=5"), "deployment.apps/roll scaled");
    assert.equal(await kubectl("set image deployment/roll nginx=nginx:2"), "deployment.apps/roll image updated");
    assert.equal(await kubectl(["patch", "deployment", "roll", "-p", '{"spec":{"paused":true}}']), "deployment.apps/roll patched");
    assert.equal(await kubectl(["patch", "deployment", "roll", "--type=json", "-p", '[{"op":"replace","path":"/spec/paused","value":false}]']), "deployment.apps/roll patched");
    assert.equal(await kubectl("rollout restart deployment roll"), "deployment.apps/roll restarted");
    assert.equal(await kubectl("get deployment roll -o jsonpath={.spec.replicas},{.spec.template.spec.containers[0].image},{.metadata.labels.tier}"), "5,nginx:2,front");
    assert.match(await kubectl("get deployment roll -o yaml --show-managed-fields"), /manager: kubectl-set\n/);
  });

  test("nodes: create, taint, cordon, describe, drain", async () => {
    assert.equal(await kubectl("create -f -", NODE), "node/esxi-01 created");
    assert.equal(await kubectl("taint node esxi-01 a=b:NoSchedule"), "node/esxi-01 tainted");
    assert.equal(await kubectl("cordon esxi-01"), "node/esxi-01 cordoned");
    assert.match(await kubectl("get nodes"), /esxi-01\s+Ready,SchedulingDisabled\s+agent/);
    assert.match(await kubectl("describe node esxi-01"), /Taints:\s+a=b:NoSchedule/);
    assert.equal(await kubectl("apply -f -", POD.replace("name: web", "name: lodger").replace("spec: {", "spec: {nodeName: esxi-01, terminationGracePeriodSeconds: 0, ")), "pod/lodger created");
    assert.match(await kubectl("drain esxi-01 --force"), /node\/esxi-01 drained/);
    assert.match(await kubectl("get pods --field-selector spec.nodeName=esxi-01"), /No resources found/);
  });

  test("wait sees a condition come, get -w prints a change, events are listed", async () => {
    await kubectl("apply -f -", POD.replace("name: web", "name: watched"));
    const waited = kubectl("wait --for=condition=Ready pod/watched --timeout=30s");
    const watch = tool.start("get pods -w --field-selector metadata.name=watched");
    let seen = "";
    const enough = new Promise<void>((resolve) => {
      watch.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        seen += chunk;
        if (seen.includes("Running")) resolve();
      });
    });
    try {
      const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }], containerStatuses: [{ name: "c", ready: true, restartCount: 0, image: "i", imageID: "", state: { running: { startedAt: "2026-01-01T00:00:00Z" } } }] };
      await kubectl(["patch", "pod", "watched", "--subresource=status", "--type=merge", "-p", JSON.stringify({ status })]);
      assert.match(await waited, /pod\/watched condition met/);
      await enough;
    } finally {
      watch.kill();
    }
    assert.match(seen, /watched\s+1\/1\s+Running/);
    await kubectl("create -f -", "apiVersion: v1\nkind: Event\nmetadata: {name: e1}\ninvolvedObject: {kind: Pod, name: watched, namespace: default}\nreason: Scheduled\nmessage: Successfully assigned\ntype: Normal\nlastTimestamp: '2026-01-01T00:00:00Z'\n");
    assert.match(await kubectl("get events"), /Normal\s+Scheduled\s+pod\/watched\s+Successfully assigned/);
  });

  test("server-side apply: created, unchanged, taken from another manager by force", async () => {
    const config = (value: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ssa}\ndata: {a: '${value}'}\n`;
    assert.equal(await kubectl("apply --server-side -f -", config("1")), "configmap/ssa serverside-applied");
    assert.equal(await kubectl("apply --server-side -f -", config("1")), "configmap/ssa serverside-applied");
    assert.match(await kubectl("apply --server-side --field-manager=other -f -", config("2"), true), /Apply failed with 1 conflict: conflict with "kubectl" using v1: \.data\.a/);
    assert.equal(await kubectl("apply --server-side --field-manager=other --force-conflicts -f -", config("2")), "configmap/ssa serverside-applied");
    assert.equal(await kubectl("get configmap ssa -o jsonpath={.data.a}"), "2");
  });

  test("whoami and can-i", async () => {
    assert.match(await kubectl("auth whoami"), /Username\s+kubernetes-admin/);
    assert.equal(await kubectl("auth can-i create pods"), "yes");
  });

  test("dry run, diff of pages, explain, raw", async () => {
    assert.equal(await kubectl("apply --dry-run=server -f -", POD.replace("name: web", "name: dry")), "pod/dry created (server dry run)");
    assert.match(await kubectl("get pod dry", "", true), /NotFound/);
    assert.match(await kubectl("get ns --chunk-size=1"), /kube-system/);
    assert.match(await kubectl("explain pod.spec.containers.image"), /FIELD: image <string>/);
    assert.equal(await kubectl("get --raw /readyz"), "ok");
  });
});

describe("kubectl against the real etcd", { skip: skipWithout("kubectl", "etcd") }, () => {
  test("stores under the real keys, and reads back", async () => {
    const cluster = await startCluster({ store: "real" });
    const kubectl = new Kubectl(cluster.kubeconfig);
    try {
      assert.equal(await kubectl.run("apply -f -", POD), "pod/web created");
      assert.equal(await kubectl.run("delete pod web"), 'pod "web" deleted');
    } finally {
      kubectl.close();
      await cluster.close();
    }
  });
});
