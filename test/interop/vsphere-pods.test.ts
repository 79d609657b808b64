import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { Kubectl } from "../support/kubectl.js";
import { withEmulator } from "../support/running-emulator.js";

/** Parts of an object, as a manifest has them. */
type Part = Readonly<Record<string, unknown>>;

const container = { name: "c", image: "nginx" };
const ofContainer = (part: Part): Part => ({ containers: [{ ...container, ...part }] });
const logs = (path: string, readOnly: boolean): Part => ({ volumes: [{ name: "v", hostPath: { path } }], ...ofContainer({ volumeMounts: [{ name: "v", mountPath: "/logs", readOnly }] }) });
const podNamed = (name: string, spec: Part, annotations: Part = {}): Part => ({ apiVersion: "v1", kind: "Pod", metadata: { name, annotations }, spec: { terminationGracePeriodSeconds: 0, containers: [container], ...spec } });
const listOf = (items: readonly Part[]): string => JSON.stringify({ apiVersion: "v1", kind: "List", items });

/** Accepted and ignored: these run as if they had not asked. */
const ignored: readonly (readonly [name: string, spec: Part])[] = [
  ["host-network", { hostNetwork: true, ...ofContainer({ ports: [{ containerPort: 80 }] }) }],
  ["host-port", { nodeSelector: { "kubernetes.io/hostname": "esxi-01.spheresim.test" }, ...ofContainer({ ports: [{ containerPort: 80, hostPort: 8080 }] }) }],
  ["same-host-port", { nodeSelector: { "kubernetes.io/hostname": "esxi-01.spheresim.test" }, ...ofContainer({ ports: [{ containerPort: 80, hostPort: 8080 }] }) }],
  ["host-pid", { hostPID: true }],
  ["host-ipc", { hostIPC: true }],
  ["privileged", ofContainer({ securityContext: { privileged: true } })],
  ["log-directory", logs("/var/log/pods", true)],
  ["never-pulled", ofContainer({ image: "nobody/has-it:1", imagePullPolicy: "Never" })],
];

/** Rejected by the scheduler; the event names the field. */
const rejected: readonly (readonly [name: string, spec: Part, why: string])[] = [
  ["log-directory-to-write", logs("/var/log/pods", false), "spec.volumes[0].hostPath: a vSphere Pod may mount /var/log/pods read-only and no other path"],
  ["other-directory", logs("/etc", true), "spec.volumes[0].hostPath: a vSphere Pod may mount /var/log/pods read-only and no other path"],
  // A local PersistentVolume can only be asked for by a claim.
  ["local-volume", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "local" } }] }, "spec.volumes[0].persistentVolumeClaim is not supported by this scheduler yet"],
];

interface Told {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component?: string; readonly host?: string };
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly fieldPath?: string };
}

interface Json {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>>; readonly finalizers: readonly string[]; readonly managedFields: readonly { readonly manager: string; readonly subresource?: string; readonly fieldsV1: object }[] };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly containerStatuses: readonly { readonly imageID: string; readonly containerID: string }[] };
}

test("vSphere Pods to kubectl: what they ignore and refuse, their annotations and events, images and networks that fail", { skip: skipWithout("kubectl") }, async (t) => {
  await withEmulator(["--pod-cidr", "172.20.8.0/24", "--pod-macs", "04:50:56:00:90:00-04:50:56:00:90:ff"], async ({ ready }) => {
    const kubectl = new Kubectl(ready.kubeconfig);
    t.after(() => kubectl.close());
    const told = async (name: string): Promise<readonly Told[]> => (JSON.parse(await kubectl.run(`get events -o json --field-selector involvedObject.name=${name}`)) as { items: Told[] }).items;
    const apply = (...objects: readonly Part[]): Promise<string> => kubectl.run("apply -f -", listOf(objects));
    const isReady = (...names: readonly string[]): Promise<string> => kubectl.run(["wait", "--for=condition=Ready", "--timeout=30s", ...names.map((name) => `pod/${name}`)]);
    const waitingOf = (name: string): Promise<string> => kubectl.run(["get", "pod", name, "-o", "jsonpath={.status.phase} {.status.containerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.message}"]);

    await apply(...[...ignored, ...rejected].map(([name, spec]) => podNamed(name, spec)));
    await t.test("ignored: host namespaces and ports, privileges, pull policies; each runs with an address of its own", async () => {
      await isReady(...ignored.map(([name]) => name));
      const addresses = (await kubectl.run(["get", "pods", "--field-selector=status.phase=Running", "-o", "jsonpath={range .items[*]}{.status.podIP}{'\\n'}{end}"])).split("\n");
      assert.equal(new Set(addresses).size, ignored.length);
      for (const address of addresses) assert.match(address, /^172\.20\.8\.\d+$/);
      assert.equal(await kubectl.run("get pods host-port same-host-port -o jsonpath={.items[*].spec.nodeName}"), "esxi-01.spheresim.test esxi-01.spheresim.test");
    });
    for (const [name, , why] of rejected) {
      await t.test(`rejected by the scheduler: ${name}`, async () => {
        const event = await eventually("told", async () => (await told(name)).find(({ reason }) => reason === "FailedScheduling"));
        assert.ok(event.message.startsWith(`0/4 nodes are available: ${why}.`), event.message);
        assert.equal(await kubectl.run(`get pod ${name} -o jsonpath={.status.phase},{.spec.nodeName}`), "Pending,");
      });
    }
    await t.test("a NodePort is accepted; kinds that make no sense here are not known", async () => {
      await kubectl.run("create service nodeport web --tcp=80");
      assert.match(await kubectl.run("get service web -o jsonpath={.spec.type},{.spec.clusterIP},{.spec.ports[0].nodePort}"), /^NodePort,10\.96\.\d+\.\d+,3\d{4}$/);
      assert.match(await kubectl.refused("get daemonsets"), /the server doesn't have a resource type "daemonsets"/);
      assert.match(await kubectl.refused("get persistentvolumes"), /the server doesn't have a resource type "persistentvolumes"/);
    });

    await t.test("annotations, finalizer and managers of a pod that runs", async () => {
      await apply(podNamed("web", { volumes: [{ name: "scratch", emptyDir: {} }], containers: [{ name: "httpd", image: "httpd:2.4", volumeMounts: [{ name: "scratch", mountPath: "/s" }] }] }));
      await isReady("web");
      const { metadata, status } = JSON.parse(await kubectl.run("get pod web -o json --show-managed-fields")) as Json;
      const { annotations } = metadata;
      const image = status.containerStatuses[0]!.imageID;
      assert.match(image, /^httpd-[0-9a-f]{40}-v\d+$/);
      assert.match(status.containerStatuses[0]!.containerID, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "bare, without a runtime's scheme");
      assert.deepEqual(JSON.parse(annotations["vmware-system-image-references"]!), { httpd: image });
      assert.match(annotations["attachment_id"]!, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.match(annotations["mac"]!, /^04:50:56:00:90:[0-9a-f]{2}$/);
      assert.equal(annotations["vlan"], "None");
      assert.match(annotations["vmware-system-vm-uuid"]!, /^50[0-9a-f]{6}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.match(annotations["vmware-system-vm-moid"]!, /^vm-\d+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.match(annotations["vmware-system-ephemeral-disk-uuid"]!, /^6000C29[0-9a-f](-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.deepEqual(metadata.finalizers, ["lifecycle-controller/system.vmware.com"]);
      const managerOf = (field: string): readonly string[] => metadata.managedFields.filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes(`"${field}"`)).map(({ manager, subresource = "" }) => `${manager} ${subresource}`.trim());
      for (const field of ["f:vmware-system-vm-uuid", "f:vmware-system-vm-moid", "f:vmware-system-ephemeral-disk-uuid", 'v:\\"lifecycle-controller/system.vmware.com\\"']) assert.deepEqual(managerOf(field), ["scheduler-extender"], field);
      assert.deepEqual(managerOf("f:vmware-system-image-references"), ["image-controller"]);
      for (const field of ["f:attachment_id", "f:mac", "f:vlan"]) assert.match(managerOf(field).join(), /^nsx-ncp-[0-9a-f]{10}-[0-9a-f]{5}$/, field);
      assert.deepEqual(managerOf("f:nodeName"), ["default-scheduler binding"]);
      for (const field of ["f:containerStatuses", "f:hostIP", "f:phase", "f:podIP", "f:podIPs", "f:startTime"]) assert.deepEqual(managerOf(field), ["spherelet status"], field);
    });

    await t.test("events of a pod that runs, and of its image", async () => {
      const { spec, status } = JSON.parse(await kubectl.run("get pod web -o json")) as Json;
      const image = status.containerStatuses[0]!.imageID;
      const wanted = [
        `Normal Scheduled default-scheduler: Successfully assigned default/web to ${spec.nodeName}`,
        `Normal Image image-controller: Image ${image} bound successfully`,
        "Normal SuccessfulRealizeNSXResource nsx-container-ncp: Successfully realized NSX resource for Pod",
        `Normal Pulling kubelet: Waiting for Image default/${image}`,
        `Normal Pulled kubelet: Image default/${image} is ready`,
        "Normal SuccessfulMountVolume kubelet: Successfully mounted volume scratch",
        "Normal Created kubelet: Created container httpd",
        "Normal Started kubelet: Started container httpd",
      ];
      const textOf = ({ type, reason, source, message }: Told): string => `${type} ${reason} ${source.component}: ${message}`;
      const events = await eventually("all are there", async () => told("web").then((all) => (all.length >= wanted.length ? all : undefined)));
      assert.deepEqual(events.map(textOf).sort(), [...wanted].sort());
      assert.deepEqual(events.map(textOf).filter((text) => text.includes("kubelet")), wanted.slice(3), "the Spherelet's in order");
      for (const event of events) if (event.source.component === "kubelet") assert.equal(event.source.host, spec.nodeName, event.reason);
      const ofImage = await eventually("all are there", async () => told(image).then((all) => (all.length >= 5 ? all : undefined)));
      assert.deepEqual(ofImage.map(({ reason, message }) => `${reason} ${message.replaceAll(/[0-9a-f]{64}/g, "64hex").replace(/^esxi-0\d\.spheresim\.test/, "HOST")}`), [
        "Status HOST: Image status changed to Resolving",
        "Resolve HOST: Image resolved to ChainID sha256:64hex",
        "Bind Imagedisk 64hex-v0 successfully bound",
        "Status Image status changed to Fetching",
        "Status Image status changed to Ready",
      ]);
      const disk = await kubectl.run(`get images.imagecontroller.vmware.com ${image} -o jsonpath={.status.imageDisk}`);
      assert.equal(await kubectl.run(`get imagedisk ${disk} -o jsonpath={.spec.chainID}`), `sha256:${disk.replace(/-v0$/, "")}`);
    });

    await t.test("an unknown registry, a name that is none, a registry that says no and is mended", async () => {
      await apply(podNamed("nowhere", ofContainer({ image: "registry.invalid/shop/app:1" })), podNamed("typo", ofContainer({ image: "Nginx:latest" })), podNamed("denied", { ...ofContainer({ image: "redis:7" }), initContainers: [{ name: "setup", image: "busybox", command: ["true"] }] }, { "c.spheresim.dev/image-error": "unauthorized" }));
      const nowhere = await eventually("waits", async () => waitingOf("nowhere").then((text) => (text.startsWith("Pending ErrImagePull ") ? text : undefined)));
      assert.match(nowhere, /^Pending ErrImagePull failed to get images: Image default\/app-[0-9a-f]{40}-v1 has failed\. Error: Failed to resolve on node esxi-0\d\.spheresim\.test\. Reason: Http request failed\. Code 400: ErrorType\(2\) failed to do request: Head "https:\/\/registry\.invalid\/v2\/shop\/app\/manifests\/1": dial tcp: lookup registry\.invalid: no such host$/);
      await eventually("told", async () => (await told("nowhere")).some(({ type, reason, source, message, involvedObject }) => type === "Warning" && reason === "Failed" && source.component === "kubelet" && nowhere.endsWith(message) && involvedObject.fieldPath === "spec.containers{c}"));
      await eventually("and then backs off", async () => (await waitingOf("nowhere")).startsWith('Pending ImagePullBackOff Back-off pulling image "registry.invalid/shop/app:1": ErrImagePull: failed to get images: '));
      assert.match(await kubectl.run("get pod nowhere"), /nowhere +0\/1 +(ImagePullBackOff|ErrImagePull) /);
      assert.match(await kubectl.run("get images"), /app-[0-9a-f]{40}-v1 +Failed /);

      await eventually("the typo waits", async () => (await waitingOf("typo")) === `Pending InvalidImageName Failed to apply default image tag "Nginx:latest": couldn't parse image name "Nginx:latest": invalid reference format`);
      await eventually("and is told", async () => (await told("typo")).some(({ reason, source }) => reason === "InspectFailed" && source.component === "kubelet"));

      await eventually("denied waits", async () => /^Pending (ErrImagePull|ImagePullBackOff) /.test(await waitingOf("denied")));
      // No container of a pod starts before every image is there.
      assert.match(await kubectl.run("get pod denied"), /denied +0\/1 +Init:0\/1 /);
      assert.match(await kubectl.run("get events --field-selector involvedObject.name=denied,reason=Failed"), /Code 401: ErrorType\(2\) pull access denied/);
      await kubectl.run("annotate pod denied c.spheresim.dev/image-error-");
      await isReady("denied");
      await kubectl.run("delete pod denied");
      await eventually("its own image goes with it", async () => (await kubectl.run("get images -o jsonpath={.items[*].metadata.ownerReferences[*].name}")) === "");
    });

    await t.test("a network that cannot be realized keeps the pod Pending until it can", async () => {
      await apply(podNamed("unplugged", {}, { "spheresim.dev/network-errors": "always" }));
      await eventually("told", async () => (await told("unplugged")).some(({ type, reason, source, message }) => type === "Warning" && reason === "FailedRealizeNSXResource" && source.component === "nsx-container-ncp" && message === "Generic Error occurred during realizing network for Pod"));
      assert.equal(await kubectl.run("get pod unplugged -o jsonpath={.status.phase},{.metadata.annotations.vmware-system-vm-uuid}"), "Pending,");
      await kubectl.run("annotate pod unplugged spheresim.dev/network-errors-");
      await isReady("unplugged");
    });

    await t.test("a pod that named its node itself and asks for more than that has is OutOfcpu, before any VM is asked for", async () => {
      await apply(podNamed("huge", { nodeName: "esxi-01.spheresim.test", ...ofContainer({ resources: { requests: { cpu: "64" } } }) }));
      await kubectl.run("wait --for=jsonpath={.status.phase}=Failed pod/huge --timeout=30s");
      assert.match(await kubectl.run("get pod huge --no-headers"), /^huge +0\/1 +OutOfcpu +0 /);
      assert.match(await kubectl.run("get pod huge -o jsonpath={.status.message}"), /^Pod was rejected: Node didn't have enough resource: cpu, requested: 64000, used: \d+, capacity: 16000$/);
      await eventually("told", async () => (await told("huge")).some(({ reason, source }) => reason === "OutOfcpu" && source.component === "kubelet"));
      assert.deepEqual((await told("huge")).filter(({ reason }) => reason === "ProviderFailed"), []);
    });

    await t.test("a VM that no host could ever make fails a pod that named its node itself, and that has room by Kubernetes' accounts, as ProviderFailed", async () => {
      await apply(podNamed("giant", { nodeName: "esxi-01.spheresim.test", ...ofContainer({ resources: { requests: { cpu: "1" }, limits: { cpu: "64" } } }) }));
      await kubectl.run("wait --for=jsonpath={.status.reason}=ProviderFailed pod/giant --timeout=30s");
      assert.equal(await kubectl.run("get pod giant -o jsonpath={.status.phase},{.status.message}"), "Failed,The host esxi-01.spheresim.test has 16 logical CPUs, the virtual machine needs 64.");
      await eventually("told", async () => (await told("giant")).some(({ reason, source }) => reason === "ProviderFailed" && source.component === "scheduler-extender"));
    });
  });
});
