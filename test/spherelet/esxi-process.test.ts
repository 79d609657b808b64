import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startApiserver } from "../../src/apiserver/index.js";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startCrx } from "../../src/crx/index.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { HostServiceClient } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { SphereletServiceClient } from "../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import { startHostd } from "../../src/hostd/index.js";
import { isConditionTrue } from "../../src/kubernetes/condition.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { events as eventType, nodes as nodeType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { isNotFound } from "../../src/kubernetes/status.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../../src/rpc/certificates.js";
import { openChannel } from "../../src/rpc/channel.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";
import { startSpherelets } from "../../src/spherelet/index.js";
import { eventually } from "../support/eventually.js";
import { crxSpec } from "../hostd/vm-specs.js";

const names = ["esxi-01.spheresim.test", "esxi-02.spheresim.test"];
const FINALIZER = "lifecycle-controller/system.vmware.com";

/** Asks a kubelet API with a client certificate. */
function ask(address: string, path: string, tls: TlsMaterial | { readonly caPem: string }): Promise<{ readonly code: number; readonly body: string }> {
  const [host, port] = address.split(":");
  const own = "certPem" in tls ? { cert: tls.certPem, key: tls.keyPem } : {};
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path, ca: tls.caPem, agent: false, ...own }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ code: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

test("an ESXi process among the real rooms: nodes, ten pods, the machine process lost, the way back", async () => {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-spherelet-"));
  const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
  const open: (() => Promise<void> | void)[] = [];
  const keep = <T extends { close(): Promise<void> | void }>(room: T): T => {
    open.unshift(() => room.close());
    return room;
  };
  try {
    const authority = await CertificateAuthority.open(directory);
    const client = (commonName: string, organization: string): Promise<TlsMaterial> => authority.issue({ commonName, organizations: [organization], usages: ["client"] });
    const admin = await client("kubernetes-admin", "system:masters");
    const nodeTls = new Map(await Promise.all(names.map(async (name) => [name, await client(`system:node:${name}`, "system:nodes")] as const)));
    const serving = await authority.issue({ commonName: "kube-apiserver", dnsNames: serverNames, ipAddresses: serverAddresses, usages: ["server"] });

    const etcd = keep(await startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: common.monotonic, log: silentLogger }));
    const apiserver = keep(await startApiserver({ ...common, listen: "127.0.0.1:0", etcdEndpoints: [etcd.address], tls: serving }));
    const hostd = keep(await startHostd({ ...common, hosts: names.map((name) => ({ name, cores: 16, cpuMhz: 2600, memoryMb: 65_536 })), dataDir: join(directory, "esxi") }));
    let crx = await startCrx({ ...common, hostdAddress: hostd.address });
    open.unshift(() => crx.close());
    const server = `https://${apiserver.address}`;
    const restTls = { ca: admin.caPem, cert: admin.certPem, key: admin.keyPem };
    const api = keep(new RestClient({ server, tls: restTls, userAgent: "test/1" }));
    const steps: StepRecord[] = [];
    const spherelets = keep(
      await startSpherelets({
        ...common,
        hosts: names.map((name) => ({ name, cores: 16, memoryMb: 65_536, labels: { "topology.kubernetes.io/zone": "a" } })),
        apiserver: { server, tls: restTls },
        nodeTls: (host) => nodeTls.get(host)!,
        hostdAddress: hostd.address,
        kubeletPortBase: 0,
        kubeletTls: () => serving,
        recorder: { record: (step) => void steps.push(step) },
      }),
    );

    const registered = await eventually("both nodes are ready", async () => {
      const list = await api.list(nodeType);
      return list.items.length === 2 && list.items.every((node) => isConditionTrue(node.status?.conditions, "Ready")) ? list.items : undefined;
    });
    const kubeletPort = registered.find((node) => node.metadata.name === names[0])?.status?.daemonEndpoints?.kubeletEndpoint?.Port;
    assert.equal(spherelets.kubelets.get(names[0]!), `127.0.0.1:${kubeletPort}`);

    const host = keep(openChannel({ address: hostd.address })).client(HostServiceClient);
    const spherelet = keep(openChannel({ address: spherelets.address })).client(SphereletServiceClient);
    const numbers = Array.from({ length: 10 }, (_, n) => n);
    const nodeOf = (n: number): string => names[n % 2]!;
    const named = (n: number): { readonly namespace: string; readonly name: string } => ({ namespace: "default", name: `web-${n}` });
    await Promise.all(
      numbers.map(async (n) => {
        const created = await api.create(podType, { metadata: named(n), spec: { containers: [{ name: "web", image: "nginx" }] } });
        const { uid } = created.metadata;
        const config = crxSpec(n, { ownerUid: uid });
        await host.createVm({ requestId: `create-${n}`, config, powerOn: true }, { authority: nodeOf(n) });
        await api.bind({ apiVersion: "v1", kind: "Binding", metadata: { ...named(n), uid }, target: { kind: "Node", name: nodeOf(n) } });
        const annotations = { "vmware-system-vm-uuid": config.uuid, mac: "04:50:56:00:00:01", vlan: "None", attachment_id: `port-${n}`, "spheresim.dev/pod-ip": `10.244.0.${n + 2}` };
        const pod = await api.patch(podType, named(n), { type: "merge", body: { metadata: { uid, annotations, finalizers: [FINALIZER] } } });
        await spherelet.configurePod({ requestId: "", ...named(n), podUid: uid, vmUuid: config.uuid, podJson: Buffer.from(JSON.stringify(pod)) }, { authority: nodeOf(n) });
      }),
    );
    const allReady = (restarts: number): Promise<readonly Pod[]> =>
      eventually(`all pods are ready with restartCount ${restarts}`, async () => {
        const { items } = await api.list(podType, { namespace: "default" });
        return items.every((pod) => isConditionTrue(pod.status?.conditions, "Ready") && pod.status?.containerStatuses?.[0]?.restartCount === restarts) ? items : undefined;
      });
    const ready = await allReady(0);
    assert.deepEqual(ready.map((pod) => pod.status?.phase), numbers.map(() => "Running"));
    assert.equal(ready.find((pod) => pod.metadata.name === "web-3")?.status?.podIP, "10.244.0.5");
    assert.ok(isConditionTrue(ready[0]?.status?.conditions, "PodScheduled"), "the scheduler's condition stays");
    assert.equal(ready[0]?.status?.qosClass, "BestEffort");
    for (const step of [12, 14]) assert.equal(steps.filter((record) => record.step === step).length, numbers.length, `step ${step}`);
    await eventually("events are written", async () => (await api.list(eventType, { namespace: "default" })).items.filter(({ reason }) => reason === "Started").length === numbers.length);

    // The kubelet API answers those alone who have a certificate.
    const kubelet = spherelets.kubelets.get(names[0]!)!;
    const listed = JSON.parse((await ask(kubelet, "/pods", admin)).body) as { readonly kind: string; readonly items: readonly Pod[] };
    assert.deepEqual([listed.kind, listed.items.length], ["PodList", 5]);
    assert.deepEqual(await ask(kubelet, "/healthz", admin), { code: 200, body: "ok" });
    assert.deepEqual(await ask(kubelet, "/pods", { caPem: admin.caPem }), { code: 401, body: "Unauthorized" });
    const summary = JSON.parse((await ask(kubelet, "/stats/summary", admin)).body) as { readonly node: { readonly nodeName: string }; readonly pods: readonly { readonly podRef: { readonly name: string }; readonly containers: readonly { readonly name: string; readonly memory: { readonly workingSetBytes: number } }[] }[] };
    assert.equal(summary.node.nodeName, names[0]);
    assert.deepEqual(summary.pods.map(({ podRef, containers }) => `${podRef.name} ${containers[0]?.memory.workingSetBytes}`).sort(), [0, 2, 4, 6, 8].map((n) => `web-${n} 9437184`));
    assert.match((await ask(kubelet, "/metrics/resource", admin)).body, /^pod_memory_working_set_bytes\{namespace="default",pod="web-0"\} 9437184 \d{13}$/m);

    // The machine process is lost: HostD boots all guests again, and containers come back in them.
    await crx.close();
    crx = await startCrx({ ...common, hostdAddress: hostd.address });
    await allReady(1);

    await Promise.all(numbers.map((n) => api.delete(podType, named(n), { gracePeriodSeconds: 1 })));
    const last = await eventually("all wait for their finalizer alone", async () => {
      const { items } = await api.list(podType, { namespace: "default" });
      return items.every((pod) => pod.metadata.deletionGracePeriodSeconds === 0) ? items : undefined;
    });
    for (const pod of last) assert.ok(["Succeeded", "Failed"].includes(pod.status?.phase ?? ""), `${pod.metadata.name} is ${pod.status?.phase}`);
    await api.patch(podType, named(0), { type: "merge", body: { metadata: { finalizers: null } } });
    await assert.rejects(api.get(podType, named(0)), isNotFound);
    for (const step of [102, 103]) assert.equal(steps.filter((record) => record.step === step).length, numbers.length, `step ${step}`);
  } finally {
    for (const close of open) await close();
    rmSync(directory, { recursive: true, force: true });
  }
});
