import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { nodes } from "../../src/kubernetes/resource-type.js";
import { type KubeletApi, openKubeletApi } from "../../src/spherelet/kubelet/kubelet-api.js";
import { type Cluster, startCluster } from "./cluster.js";
import { RawClient } from "./raw-client.js";

const NODE = "esxi-01.spheresim.test";
const noUse = { nanos: 0n, nanoCores: 0 };
const use = { nodeName: NODE, memoryCapacityBytes: 1024, startedMs: 0, timeMs: 1_000, cpu: noUse, memory: { usageBytes: 0, workingSetBytes: 0, rssBytes: 0 }, pods: [] };
let cluster: Cluster;
let kubelet: KubeletApi;
let client: RawClient;

before(async () => {
  cluster = await startCluster();
  client = new RawClient(cluster.server.address, cluster.admin);
  kubelet = await openKubelet(NODE);
  await register(NODE, kubelet.port);
});
after(async () => {
  client.close();
  await kubelet.close();
  await cluster.close();
});

/** A kubelet with a certificate of that name. */
async function openKubelet(name: string): Promise<KubeletApi> {
  const certificates = await cluster.authority.issue({ commonName: name, dnsNames: [name], usages: ["server"] });
  return openKubeletApi({ host: "127.0.0.1", port: 0, certificates, facts: { pods: () => [], use: () => Promise.resolve(use) }, monotonic: monotonicClock(), log: silentLogger });
}

async function register(name: string, port: number | undefined): Promise<void> {
  await cluster.client.create(nodes, { metadata: { name }, spec: {} });
  if (port === undefined) return;
  const status = { addresses: [{ type: "Hostname", address: name }, { type: "InternalIP", address: "127.0.0.1" }], daemonEndpoints: { kubeletEndpoint: { Port: port } } };
  await cluster.client.patch(nodes, { name }, { type: "merge", body: { status } }, { subresource: "status" });
}

test("a node's proxy answers what its kubelet answers: code, type, body, query", async () => {
  const at = (path: string, name = NODE) => client.send("GET", `/api/v1/nodes/${name}/proxy${path}`);
  const summary = await at("/stats/summary?only_cpu_and_memory=true");
  assert.deepEqual([summary.status, summary.headers["content-type"], (summary.json as { readonly node: { readonly nodeName: string } }).node.nodeName], [200, "application/json", NODE]);
  const metrics = await at("/metrics/resource");
  assert.deepEqual([metrics.status, metrics.headers["content-type"]], [200, "text/plain; version=0.0.4; charset=utf-8"]);
  assert.match(metrics.text, /\nresource_scrape_error 0\n$/);
  assert.match((await at("/healthz?verbose")).text, /healthz check passed\n$/);
  assert.equal((await at("/healthz", `https:${NODE}:${kubelet.port}`)).text, "ok");
  assert.equal((await at("/healthz", `https:${NODE}:`)).text, "ok");
  assert.match((await at("/pods/")).text, /^\{"kind":"PodList"/);
  assert.deepEqual(await at("/nothing").then(({ status, text }) => [status, text]), [404, "404 page not found\n"]);
  assert.equal((await at("/")).status, 404);
  assert.equal((await client.send("HEAD", `/api/v1/nodes/${NODE}/proxy/healthz`)).status, 200);
  const { resources } = (await client.send("GET", "/api/v1")).json as { readonly resources: readonly { readonly name: string; readonly kind: string; readonly verbs: readonly string[] }[] };
  assert.deepEqual(resources.filter(({ name }) => name === "nodes/proxy").map(({ kind, verbs }) => [kind, verbs]), [["NodeProxyOptions", ["get"]]]);
});

test("what cannot be asked is refused as kube-apiserver does, and what is not built says its name", async () => {
  const refused = async (path: string, method = "GET", by = client) => {
    const { json } = await by.send(method, path);
    const { code, reason, message } = json as { readonly code: number; readonly reason: string; readonly message: string };
    return [code, reason, message];
  };
  assert.deepEqual(await refused("/api/v1/nodes/nobody/proxy/pods"), [404, "NotFound", 'nodes "nobody" not found']);
  assert.deepEqual(await refused(`/api/v1/nodes/${NODE}/proxy/run/a/b/c`, "DELETE"), [501, "NotImplemented", "nodes/proxy with DELETE is not implemented by spheresim"]);
  assert.deepEqual(await refused(`/api/v1/nodes/${NODE}:9100/proxy/metrics`), [501, "NotImplemented", "nodes/proxy to port 9100, which is not the kubelet's, is not implemented by spheresim"]);
  await register("mute", undefined);
  assert.deepEqual(await refused("/api/v1/nodes/mute/proxy/pods"), [503, "ServiceUnavailable", "error trying to reach service: no preferred addresses found; known addresses: []"]);
  const gone = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => gone.once("listening", resolve));
  const { port } = gone.address() as { readonly port: number };
  await new Promise((resolve) => gone.close(resolve));
  await register("away", port);
  assert.deepEqual(await refused("/api/v1/nodes/away/proxy/pods"), [503, "ServiceUnavailable", `error trying to reach service: dial tcp 127.0.0.1:${port}: connect: connection refused`]);
  // Another host's certificate is not this node's.
  await register("other", kubelet.port);
  assert.match(String((await refused("/api/v1/nodes/other/proxy/pods"))[2]), /^error trying to reach service: .*altnames/);
  const agent = new RawClient(cluster.server.address, await cluster.authority.issue({ commonName: `system:node:${NODE}`, organizations: ["system:nodes"], usages: ["client"] }));
  try {
    assert.deepEqual(await refused(`/api/v1/nodes/${NODE}/proxy/pods`, "GET", agent), [403, "Forbidden", `nodes "${NODE}" is forbidden: User "system:node:${NODE}" cannot get resource "nodes/proxy" in API group "" at the cluster scope`]);
  } finally {
    agent.close();
  }
});
