import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { manifestPath, skipWithoutManifests } from "../support/manifests.js";
import { withEmulator } from "../support/running-emulator.js";

test("public manifests end as the README beside them says, applied one by one by the real kubectl", { skip: skipWithoutManifests || skipWithout("kubectl") }, async (t) => {
  await withEmulator([], async ({ ready, emulator }) => {
    const kubectl = new Kubectl(ready.kubeconfig);
    t.after(() => kubectl.close());
    const seen = new Set<string>();
    const apply = (path: string): Promise<string> => {
      seen.add(path);
      return kubectl.run(["apply", "-f", manifestPath(path) ?? ""]);
    };
    const refused = (path: string): Promise<string> => kubectl.refused(["apply", "-f", manifestPath(path) ?? ""]);
    /** What a JSON path finds, as soon as it is that. */
    const becomes = (target: string, path: string, value: string): Promise<string> => kubectl.run(["wait", ...target.split(" "), `--for=jsonpath=${path}=${value}`, "--timeout=30s"]);
    const running = (target: string): Promise<string> => becomes(target, "{.status.phase}", "Running");
    /** A pod that does not fit says why, in its condition and in an event. */
    const staysPending = async (target: string, why: RegExp): Promise<void> => {
      await becomes(target, "{.status.conditions[?(@.type=='PodScheduled')].reason}", "Unschedulable");
      assert.match(await kubectl.run(["get", ...target.split(" "), "-o", "jsonpath={.status.phase} {.status.conditions[?(@.type=='PodScheduled')].message}"]), new RegExp(`^Pending ${why.source}$`));
    };
    const events = (pod: string): Promise<string> => kubectl.run(["get", "events", "--field-selector", `involvedObject.name=${pod}`, "-o", "jsonpath={range .items[*]}{.type} {.reason} {.message}{'\\n'}{end}"]);
    /** The pod that a Job of that file would make. */
    const podOfJob = (path: string, name: string): Promise<string> => {
      seen.add(path);
      const job = parse(readFileSync(manifestPath(path) ?? "", "utf8")) as { readonly spec: { readonly template: { readonly spec: unknown } } };
      return kubectl.run("apply -f -", JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: job.spec.template.spec }));
    };
    const remove = (path: string): Promise<string> => kubectl.run(["delete", "--wait", "--grace-period=0", "--force", "-f", manifestPath(path) ?? ""]);

    await t.test("workloads/deployment: one ReplicaSet, two pods, available", async () => {
      await apply("workloads/deployment.yaml");
      assert.match(await kubectl.run("rollout status deployment/nginx-deployment --timeout=30s"), /successfully rolled out/);
      assert.match(await kubectl.run("get deployment nginx-deployment"), /nginx-deployment\s+2\/2\s+2\s+2/);
      assert.equal((await kubectl.run("get replicaset -o name")).split("\n").length, 1);
      assert.equal((await kubectl.run("get pods -l app=nginx --field-selector status.phase=Running -o name")).split("\n").length, 2);
      await remove("workloads/deployment.yaml");
      await kubectl.run("wait --for=delete pod -l app=nginx --timeout=30s");
    });

    await t.test("volumes/redis: runs", async () => {
      await apply("volumes/redis.yaml");
      await running("pod/redis");
      await remove("volumes/redis.yaml");
    });

    await t.test("volumes/dapi-volume: runs", async () => {
      await apply("volumes/dapi-volume.yaml");
      await kubectl.run("wait pod/kubernetes-downwardapi-volume-example --for=condition=Ready --timeout=30s");
      assert.match(await events("kubernetes-downwardapi-volume-example"), /Normal SuccessfulMountVolume Successfully mounted volume podinfo/);
      await remove("volumes/dapi-volume.yaml");
    });

    await t.test("volumes/pod-configmap-volume: waits for its ConfigMap, then succeeds", async () => {
      await apply("volumes/pod-configmap-volume.yaml");
      await eventually("told", async () => (await events("dapi-test-pod")).includes('Warning FailedMount MountVolume.SetUp failed for volume "config-volume" : configmap "special-config" not found'));
      await becomes("pod/dapi-test-pod", "{.status.containerStatuses[0].state.waiting.reason}", "ContainerCreating");
      assert.equal(await kubectl.run("get pod dapi-test-pod -o jsonpath={.status.phase}"), "Pending");
      await kubectl.run("create configmap special-config --from-literal=special.how=very");
      await becomes("pod/dapi-test-pod", "{.status.phase}", "Succeeded");
      await remove("volumes/pod-configmap-volume.yaml");
      await kubectl.run("delete configmap special-config");
    });

    await t.test("gates/pod-without-scheduling-gates: runs; applied over the gated pod it takes the gates away", async () => {
      const gated = { apiVersion: "v1", kind: "Pod", metadata: { name: "test-pod" }, spec: { schedulingGates: [{ name: "example.com/foo" }], containers: [{ name: "pause", image: "registry.k8s.io/pause:3.6" }] } };
      await kubectl.run("apply -f -", JSON.stringify(gated));
      await becomes("pod/test-pod", "{.status.conditions[?(@.type=='PodScheduled')].reason}", "SchedulingGated");
      assert.match(await kubectl.run("get pod test-pod"), /test-pod\s+0\/1\s+SchedulingGated/);
      await apply("gates/pod-without-scheduling-gates.yaml");
      await running("pod/test-pod");
      await remove("gates/pod-without-scheduling-gates.yaml");
    });

    await t.test("affinity/pod-nginx-preferred-affinity: an unmet preference does not block", async () => {
      await apply("affinity/pod-nginx-preferred-affinity.yaml");
      await running("pod/nginx");
      await remove("affinity/pod-nginx-preferred-affinity.yaml");
    });

    await t.test("affinity/pod-nginx-required-affinity: waits for a node with the label, runs there", async () => {
      await apply("affinity/pod-nginx-required-affinity.yaml");
      await staysPending("pod/nginx", /0\/4 nodes are available: 4 node\(s\) didn't match Pod's node affinity\/selector\. preemption: 0\/4 nodes are available: 4 Preemption is not helpful for scheduling\./);
      await kubectl.run("label node esxi-03.spheresim.test disktype=ssd");
      await running("pod/nginx");
      assert.equal(await kubectl.run("get pod nginx -o jsonpath={.spec.nodeName}"), "esxi-03.spheresim.test");
      await kubectl.run("label node esxi-03.spheresim.test disktype-");
      await remove("affinity/pod-nginx-required-affinity.yaml");
    });

    await t.test("affinity/pod: its own label does not count", async () => {
      await apply("affinity/pod.yaml");
      await staysPending("pod/pod-1", /0\/4 nodes are available: 4 node\(s\) didn't match Pod's node affinity\/selector\. preemption: 0\/4 nodes are available: 4 Preemption is not helpful for scheduling\./);
      await remove("affinity/pod.yaml");
    });

    await t.test("affinity/pod-with-node-affinity: a malformed file is refused while decoding", async () => {
      assert.match(await refused("affinity/pod-with-node-affinity.yaml"), /BadRequest.*cannot unmarshal array into Go struct field .*requiredDuringSchedulingIgnoredDuringExecution of type v1\.NodeSelector/);
      assert.match(await kubectl.refused("get pod with-node-affinity"), /NotFound/);
    });

    await t.test("taints/no-toleration-pod: runs on nodes without taints, not on tainted ones", async () => {
      await apply("taints/no-toleration-pod.yaml");
      await running("pod/no-toleration-pod");
      await remove("taints/no-toleration-pod.yaml");
      await kubectl.run("taint nodes --all kwok.x-k8s.io/node=fake:NoSchedule");
      await apply("taints/no-toleration-pod.yaml");
      await staysPending("pod/no-toleration-pod", /0\/4 nodes are available: 4 node\(s\) had untolerated taint \{kwok\.x-k8s\.io\/node: fake\}\. preemption: 0\/4 nodes are available: 4 Preemption is not helpful for scheduling\./);
      await kubectl.run("taint nodes --all kwok.x-k8s.io/node:NoSchedule-");
      await remove("taints/no-toleration-pod.yaml");
    });

    await t.test("taints/pod-with-numeric-toleration: refused as Kubernetes 1.32 refuses it", async () => {
      assert.match(await refused("taints/pod-with-numeric-toleration.yaml"), /spec\.tolerations\[0\]\.operator: Unsupported value: "Gt": supported values: "Equal", "Exists"/);
    });

    await t.test("resources/limit-range: created, its maximum is the default too", async () => {
      await apply("resources/limit-range.yaml");
      const [item] = JSON.parse(await kubectl.run(["get", "limitrange", "cpu-resource-constraint", "-o", "jsonpath={.spec.limits}"])) as unknown[];
      assert.deepEqual(item, { type: "Container", default: { cpu: "500m" }, defaultRequest: { cpu: "500m" }, max: { cpu: "500m" }, min: { cpu: "100m" } });
    });

    await t.test("resources/pod-beyond-limit: invalid beside that limit range, accepted without it", async () => {
      assert.match(await refused("resources/pod-beyond-limit.yaml"), /is invalid: spec\.containers\[0\]\.resources\.requests: Invalid value: "700m": must be less than or equal to cpu limit of 500m/);
      await remove("resources/limit-range.yaml");
      await apply("resources/pod-beyond-limit.yaml");
      await running("-f " + (manifestPath("resources/pod-beyond-limit.yaml") ?? ""));
      await remove("resources/pod-beyond-limit.yaml");
    });

    await t.test("resources/cpu-request-limit-2: needs its namespace, then never fits", async () => {
      assert.match(await refused("resources/cpu-request-limit-2.yaml"), /namespaces "cpu-example" not found/);
      await kubectl.run("create namespace cpu-example");
      await apply("resources/cpu-request-limit-2.yaml");
      await staysPending("pod/cpu-demo-2 -n cpu-example", /0\/4 nodes are available: 4 Insufficient cpu\. preemption: 0\/4 nodes are available: 4 No preemption victims found for incoming pod\./);
      await kubectl.run("delete namespace cpu-example --timeout=30s");
    });

    await t.test("resources/qos-pod: needs its namespace, then runs Guaranteed", async () => {
      assert.match(await refused("resources/qos-pod.yaml"), /namespaces "qos-example" not found/);
      await kubectl.run("create namespace qos-example");
      await apply("resources/qos-pod.yaml");
      await running("pod/qos-demo -n qos-example");
      assert.equal(await kubectl.run("get pod qos-demo -n qos-example -o jsonpath={.status.qosClass}"), "Guaranteed");
      await kubectl.run("delete namespace qos-example --timeout=30s");
    });

    await t.test("priority/high-priority-pod: needs its class, then runs with its value", async () => {
      assert.match(await refused("priority/high-priority-pod.yaml"), /Forbidden.*no PriorityClass with name high-priority was found/);
      await apply("priority/priority-classes.yaml");
      await apply("priority/high-priority-pod.yaml");
      await running("pod/high-priority-pod");
      assert.equal(await kubectl.run("get pod high-priority-pod -o jsonpath={.spec.priority},{.spec.preemptionPolicy}"), "200,PreemptLowerPriority");
      await remove("priority/high-priority-pod.yaml");
      await remove("priority/priority-classes.yaml");
    });

    await t.test("init-sidecar/init-containers: runs when its init container has done its work", async () => {
      await apply("init-sidecar/init-containers.yaml");
      await running("pod/init-demo");
      assert.equal(await kubectl.run("get pod init-demo -o jsonpath={.status.initContainerStatuses[0].state.terminated.exitCode},{.status.containerStatuses[0].ready}"), "0,true");
      await remove("init-sidecar/init-containers.yaml");
    });

    await t.test("init-sidecar/job-sidecar, the pod of its Job: succeeds when the main container has, whatever became of the sidecar", async () => {
      await podOfJob("init-sidecar/job-sidecar.yaml", "job-sidecar");
      // The sidecar follows a file and does not listen to TERM: it may need the whole grace period of 30 s.
      await kubectl.run("wait pod/job-sidecar --for=jsonpath={.status.phase}=Succeeded --timeout=45s");
      assert.equal(await kubectl.run("get pod job-sidecar -o jsonpath={.status.containerStatuses[0].state.terminated.exitCode},{.status.initContainerStatuses[0].state.terminated.exitCode}"), "0,137");
      await kubectl.run("delete pod job-sidecar --grace-period=0 --force");
    });

    await t.test("probes and the pod of lifecycle/job-pod-failure-policy-failjob: side by side, for they take their time", async () => {
      await apply("probes/http-liveness.yaml");
      await apply("probes/tcp-liveness-readiness.yaml");
      await podOfJob("lifecycle/job-pod-failure-policy-failjob.yaml", "failjob");
      await running("pod/goproxy");
      assert.match(await kubectl.run("get pod goproxy"), /goproxy\s+0\/1\s+Running\s+0/);
      assert.equal(await kubectl.run(["get", "pod", "goproxy", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].reason}"]), "ContainersNotReady");
      await kubectl.run("wait pod/goproxy --for=condition=Ready --timeout=30s");
      assert.match(await kubectl.run("get pod goproxy"), /goproxy\s+1\/1\s+Running\s+0/);
      await becomes("pod/liveness-http", "{.status.containerStatuses[0].restartCount}", "1");
      assert.equal(await kubectl.run("get pod liveness-http -o jsonpath={.status.phase}"), "Running");
      await eventually("told", async () => {
        const told = await events("liveness-http");
        return told.includes("Warning Unhealthy Liveness probe failed: HTTP probe failed with statuscode: 500") && told.includes("Normal Killing Container liveness failed liveness probe, will be restarted");
      });
      await kubectl.run("wait pod/failjob --for=jsonpath={.status.phase}=Failed --timeout=45s");
      assert.equal(await kubectl.run("get pod failjob -o jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"), "42");
      await kubectl.run("delete pod liveness-http goproxy failjob --grace-period=0 --force");
    });

    await t.test("lifecycle/lifecycle-events: runs after postStart, and preStop runs before it ends in good order", async () => {
      await apply("lifecycle/lifecycle-events.yaml");
      await running("pod/lifecycle-demo");
      assert.match(await kubectl.run("describe pod lifecycle-demo"), /spheresim\.dev\/image-profiles: \{"lifecycle-demo-container":"nginx"\}/);
      const watch = kubectl.start("get pod lifecycle-demo --watch -o jsonpath={.status.containerStatuses[0].state.terminated.exitCode};");
      let seen = "";
      watch.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
      await kubectl.run("delete pod lifecycle-demo");
      watch.kill();
      assert.match(seen, /;0;/);
    });

    await t.test("env/commands: succeeds without a restart", async () => {
      await apply("env/commands.yaml");
      await becomes("pod/command-demo", "{.status.phase}", "Succeeded");
      assert.equal(await kubectl.run("get pod command-demo -o jsonpath={.status.containerStatuses[0].restartCount}"), "0");
      await remove("env/commands.yaml");
    });

    await t.test("env/pod-single-configmap-env-variable: waits for its ConfigMap, then succeeds", async () => {
      await apply("env/pod-single-configmap-env-variable.yaml");
      await becomes("pod/dapi-test-pod", "{.status.containerStatuses[0].state.waiting.reason}", "CreateContainerConfigError");
      assert.equal(await kubectl.run("get pod dapi-test-pod -o jsonpath={.status.phase},{.status.containerStatuses[0].state.waiting.message}"), 'Pending,configmap "special-config" not found');
      await kubectl.run("create configmap special-config --from-literal=special.how=very");
      await becomes("pod/dapi-test-pod", "{.status.phase}", "Succeeded");
      await remove("env/pod-single-configmap-env-variable.yaml");
      await kubectl.run("delete configmap special-config");
    });

    await t.test("env/private-reg-pod: waits as InvalidImageName", async () => {
      await apply("env/private-reg-pod.yaml");
      await becomes("pod/private-reg", "{.status.containerStatuses[0].state.waiting.reason}", "InvalidImageName");
      assert.equal(await kubectl.run("get pod private-reg -o jsonpath={.status.phase},{.status.containerStatuses[0].restartCount}"), "Pending,0");
      await remove("env/private-reg-pod.yaml");
    });

    await t.test("multi-container/shared-volume: runs after init, ready", async () => {
      await apply("multi-container/shared-volume.yaml");
      await kubectl.run("wait pod/shared-volume-example --for=condition=Ready --timeout=30s");
      assert.match(await kubectl.run("get pod shared-volume-example"), /shared-volume-example\s+1\/1\s+Running/);
      await remove("multi-container/shared-volume.yaml");
    });

    await t.test("multi-container/startup-coordination: the sidecar has started, then the main container runs", async () => {
      await apply("multi-container/startup-coordination.yaml");
      await kubectl.run("wait pod/startup-coordination-example --for=condition=Ready --timeout=30s");
      assert.match(await kubectl.run("get pod startup-coordination-example"), /startup-coordination-example\s+2\/2\s+Running/);
      assert.equal(await kubectl.run("get pod startup-coordination-example -o jsonpath={.status.initContainerStatuses[0].started}"), "true");
      await remove("multi-container/startup-coordination.yaml");
    });

    await t.test("no manifest of what a node does was left out", () => {
      const folders = ["init-sidecar", "probes", "lifecycle", "volumes", "env", "multi-container"];
      const there = folders.flatMap((folder) => readdirSync(manifestPath(folder) ?? "").map((file) => `${folder}/${file}`));
      assert.deepEqual(there.filter((path) => !seen.has(path)), []);
    });

    await t.test("and nothing is left behind", async () => {
      const { violations, vms } = await emulator.checkInvariants({ settle: { seconds: 10n, nanos: 0 } });
      assert.deepEqual(violations, []);
      assert.equal(vms, 0);
    });
  });
});
