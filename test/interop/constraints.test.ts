import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { withEmulator } from "../support/running-emulator.js";

/** Parts of an object, as a manifest has them. */
type Part = Readonly<Record<string, unknown>>;

const container = { name: "c", image: "nginx" };
const term = { topologyKey: "zone", labelSelector: { matchLabels: { a: "b" } } };
const spread = { maxSkew: 1, topologyKey: "zone", labelSelector: { matchLabels: { a: "b" } } };
const volume = (source: Part): Part => ({ volumes: [{ name: "v", ...source }] });
const ofContainer = (part: Part): Part => ({ containers: [{ ...container, ...part }] });
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

/** What a pod may ask for and nobody here gives yet; the event names the field. One row a pod. */
const refused: readonly (readonly [name: string, spec: Part, field: string])[] = [
  ["pod-affinity", { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution"],
  ["pod-anti-affinity", { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"],
  ["spread", { topologySpreadConstraints: [{ ...spread, whenUnsatisfiable: "DoNotSchedule" }] }, "spec.topologySpreadConstraints[0] with whenUnsatisfiable DoNotSchedule"],
  ["claims-of-pod", { resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }] }, "spec.resourceClaims"],
  ["claims-of-container", { resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }], ...ofContainer({ resources: { claims: [{ name: "gpu" }] } }) }, "spec.containers[0].resources.claims"],
  ["windows", { os: { name: "windows" } }, "spec.os.name windows"],
  ["user-namespace", { hostUsers: false }, "spec.hostUsers false"],
  ["pvc", volume({ persistentVolumeClaim: { claimName: "data" } }), "spec.volumes[0].persistentVolumeClaim"],
  ["block-device", { ...volume({ persistentVolumeClaim: { claimName: "data" } }), ...ofContainer({ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }) }, "spec.containers[0].volumeDevices"],
  ["ephemeral-claim", volume({ ephemeral: { volumeClaimTemplate: { spec: claim } } }), "spec.volumes[0].ephemeral"],
  ["csi", volume({ csi: { driver: "csi.vsphere.vmware.com" } }), "spec.volumes[0].csi"],
  ["nfs", volume({ nfs: { server: "files", path: "/" } }), "spec.volumes[0].nfs"],
  ["vsphere-volume", volume({ vsphereVolume: { volumePath: "[ds] disk.vmdk" } }), "spec.volumes[0].vsphereVolume"],
  ["image-volume", volume({ image: { reference: "nginx" } }), "spec.volumes[0].image"],
  ["host-path", volume({ hostPath: { path: "/etc" } }), "spec.volumes[0].hostPath"],
  ["huge-pages", volume({ emptyDir: { medium: "HugePages" } }), "spec.volumes[0].emptyDir.medium HugePages"],
  ["account-token", volume({ projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }), "spec.volumes[0].projected.sources[0].serviceAccountToken"],
  ["trust-bundle", volume({ projected: { sources: [{ clusterTrustBundle: { name: "roots", path: "roots" } }] } }), "spec.volumes[0].projected.sources[0].clusterTrustBundle"],
  ["extended-resource", ofContainer({ resources: { limits: { "example.com/gpu": "1" } } }), "Insufficient example.com/gpu"],
  ["huge-page-memory", ofContainer({ resources: { limits: { "hugepages-2Mi": "4Mi", memory: "1Mi", cpu: "1" } } }), "Insufficient hugepages-2Mi"],
  ["disk", ofContainer({ resources: { requests: { "ephemeral-storage": "2Ti" } } }), "Insufficient ephemeral-storage"],
];

/** Wishes, and what is given: these run. */
const granted: readonly (readonly [name: string, spec: Part])[] = [
  ["wish-affinity", { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] } } }],
  ["wish-spread", { topologySpreadConstraints: [{ ...spread, whenUnsatisfiable: "ScheduleAnyway" }] }],
  ["memory-volume", volume({ emptyDir: { medium: "Memory" } })],
  ["linux", { os: { name: "linux" } }],
  ["sidecar", { initContainers: [{ ...container, name: "s", restartPolicy: "Always" }] }],
];

const podNamed = (name: string, spec: Part): Part => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [container], ...spec } });
const listOf = (items: readonly Part[]): string => JSON.stringify({ apiVersion: "v1", kind: "List", items });

interface Told {
  readonly items: readonly { readonly reason?: string; readonly message?: string; readonly source?: { readonly component?: string }; readonly involvedObject: { readonly name: string } }[];
}

test("what a pod asks for is granted, or keeps it Pending with an event that names it", { skip: skipWithout("kubectl") }, async (t) => {
  await withEmulator([], async ({ ready, emulator }) => {
    const kubectl = new Kubectl(ready.kubeconfig);
    t.after(() => kubectl.close());
    const events = async (): Promise<Told["items"]> => (JSON.parse(await kubectl.run("get events -o json")) as Told).items;
    const isTold = (items: Told["items"], pod: string, reason: string, field: string): boolean =>
      items.some((event) => event.involvedObject.name === pod && event.reason === reason && event.message?.includes(field) === true);

    await kubectl.run("apply -f -", listOf([...refused, ...granted].map(([name, spec]) => podNamed(name, spec))));
    await kubectl.run(["wait", "--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}=Unschedulable", "--timeout=30s", ...refused.map(([name]) => `pod/${name}`)]);
    let told: Told["items"] = [];
    await eventually("every event is there", async () => {
      told = await events();
      return refused.every(([name]) => told.some((event) => event.involvedObject.name === name && event.reason === "FailedScheduling"));
    });
    const present = await kubectl.run(["get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name} {.status.phase} {.spec.nodeName}{'\\n'}{end}"]);
    for (const [name, , field] of refused) {
      await t.test(`${name}: ${field}`, () => {
        assert.match(present, new RegExp(`^${name} Pending $`, "m"));
        assert.ok(isTold(told, name, "FailedScheduling", field), JSON.stringify(told.filter((event) => event.involvedObject.name === name)));
      });
    }
    await t.test("wishes and what is given do not stop a pod", async () => {
      await kubectl.run(["wait", "--for=condition=Ready", "--timeout=30s", ...granted.map(([name]) => `pod/${name}`)]);
    });

    await t.test("schedulerName: another's pod is left to it, untouched", async () => {
      await kubectl.run("apply -f -", JSON.stringify(podNamed("foreign", { schedulerName: "theirs" })));
      // A pod of ours that came later has been looked at.
      await kubectl.run("apply -f -", JSON.stringify(podNamed("later", {})));
      await kubectl.run("wait --for=condition=Ready pod/later --timeout=30s");
      assert.equal(await kubectl.run("get pod foreign -o jsonpath={.status.phase},{.spec.nodeName},{.status.conditions}"), "Pending,,");
      assert.deepEqual((await events()).filter((event) => event.involvedObject.name === "foreign" && event.source?.component === "default-scheduler"), []);
    });

    await t.test("nodeName: no scheduler has looked, so the host itself refuses what it cannot give", async () => {
      await kubectl.run("apply -f -", JSON.stringify(podNamed("self-bound", { nodeName: "esxi-01.spheresim.test", resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }], hostUsers: false })));
      await eventually("refused", async () => isTold(await events(), "self-bound", "FailedCreatePodSandBox", "spec.hostUsers false, spec.resourceClaims not supported"));
      assert.equal(await kubectl.run("get pod self-bound -o jsonpath={.status.phase}"), "Pending");
    });

    await t.test("nodeName against the pod's own selector: rejected by the host, as by a kubelet", async () => {
      await kubectl.run("apply -f -", JSON.stringify(podNamed("at-odds", { nodeName: "esxi-01.spheresim.test", nodeSelector: { disktype: "ssd" } })));
      await kubectl.run("wait --for=jsonpath={.status.reason}=NodeAffinity pod/at-odds --timeout=30s");
      assert.equal(await kubectl.run("get pod at-odds -o jsonpath={.status.phase}"), "Failed");
    });

    await t.test("priority: a pod that lacks room beside lower ones is told that nobody is evicted", async () => {
      const asking = (cpu: string): Part => ofContainer({ resources: { requests: { cpu } } });
      const low = ["low-1", "low-2", "low-3", "low-4"];
      await kubectl.run("create priorityclass high --value=100");
      await kubectl.run("apply -f -", listOf(low.map((name) => podNamed(name, asking("12")))));
      await kubectl.run(["wait", "--for=condition=Ready", "--timeout=30s", ...low.map((name) => `pod/${name}`)]);
      await kubectl.run("apply -f -", JSON.stringify(podNamed("high", { priorityClassName: "high", ...asking("8") })));
      await eventually("told", async () => isTold(await events(), "high", "FailedScheduling", "4 Insufficient cpu. preemption: evicting pods of lower priority is not supported"));
      assert.equal(await kubectl.run("get pod high -o jsonpath={.status.phase}"), "Pending");
    });

    await t.test("activeDeadlineSeconds: the pod fails when its time is over", async () => {
      await kubectl.run("apply -f -", JSON.stringify(podNamed("short", { activeDeadlineSeconds: 1 })));
      await kubectl.run("wait --for=jsonpath={.status.reason}=DeadlineExceeded pod/short --timeout=30s");
      assert.equal(await kubectl.run("get pod short -o jsonpath={.status.phase}"), "Failed");
    });

    await t.test("spec.resources is dropped, as Kubernetes 1.32 drops it", async () => {
      await kubectl.run("apply -f -", JSON.stringify(podNamed("pod-level", { resources: { requests: { cpu: "100" } } })));
      await kubectl.run("wait --for=condition=Ready pod/pod-level --timeout=30s");
      assert.equal(await kubectl.run("get pod pod-level -o jsonpath={.spec.resources}"), "");
    });

    await t.test("and nothing is left behind", async () => {
      await kubectl.run("delete pods --all --wait --timeout=60s");
      const { violations, vms } = await emulator.checkInvariants({ settle: { seconds: 10n, nanos: 0 } });
      assert.deepEqual([violations, vms], [[], 0]);
    });
  });
});
