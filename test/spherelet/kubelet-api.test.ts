import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { CertificateAuthority } from "../../src/rpc/certificates.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";
import { type KubeletApi, openKubeletApi } from "../../src/spherelet/kubelet/kubelet-api.js";
import type { HostUse } from "../../src/spherelet/stats/host-use.js";

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

const directory = mkdtempSync(join(tmpdir(), "spheresim-kubelet-"));
const noUse = { nanos: 0n, nanoCores: 0 };
const idle: HostUse = { nodeName: "esxi-01", memoryCapacityBytes: 1024, startedMs: 0, timeMs: 1_000, cpu: noUse, memory: { usageBytes: 0, workingSetBytes: 0, rssBytes: 0 }, pods: [] };
let api: KubeletApi;
let admin: TlsMaterial;
let issue: (name: string, groups: readonly string[], usage?: "client" | "server") => Promise<TlsMaterial>;
let foreign: TlsMaterial;
let pods: readonly Pod[] = [];
let use: () => Promise<HostUse> = () => Promise.resolve(idle);

before(async () => {
  const authority = await CertificateAuthority.open(join(directory, "own"));
  issue = (commonName, organizations, usage = "client") => authority.issue({ commonName, organizations, usages: [usage] });
  admin = await issue("kubernetes-admin", ["system:masters"]);
  foreign = await (await CertificateAuthority.open(join(directory, "foreign"))).issue({ commonName: "kubernetes-admin", organizations: ["system:masters"], usages: ["client"] });
  const certificates = await authority.issue({ commonName: "esxi-01", ipAddresses: ["127.0.0.1"], usages: ["server"] });
  api = await openKubeletApi({ host: "127.0.0.1", port: 0, certificates, facts: { pods: () => pods, use: () => use() }, monotonic: monotonicClock(), log: silentLogger });
});
after(async () => {
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});

function ask(path: string, { method = "GET", tls = admin }: { readonly method?: string; readonly tls?: TlsMaterial | "none" } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: api.port, path, method, agent: false, ca: admin.caPem, ...(tls === "none" ? {} : { cert: tls.certPem, key: tls.keyPem }) }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(parts).toString(), headers: response.headers }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

test("who shows no certificate, a foreign one, one for servers, or one without rights is told so as a kubelet tells it", async () => {
  const strangers: (TlsMaterial | "none")[] = ["none", foreign, await issue("kubernetes-admin", ["system:masters"], "server")];
  for (const tls of strangers) {
    for (const path of ["/pods", "/healthz", "/stats/summary", "/metrics/resource", "/exec/a/b/c"]) {
      const { code, body } = await ask(path, { tls });
      assert.deepEqual([code, body], [401, "Unauthorized"], path);
    }
  }
  const eve = await issue("eve", ["system:authenticated"]);
  const cases: [string, string, string, string][] = [
    ["GET", "/stats/summary", "get", "stats"],
    ["POST", "/stats/summary", "create", "stats"],
    ["GET", "/metrics/resource", "get", "metrics"],
    ["GET", "/pods", "get", "proxy"],
    ["DELETE", "/pods", "delete", "proxy"],
    ["GET", "/healthz", "get", "proxy"],
    ["GET", "/logs/", "get", "log"],
    ["GET", "/configz", "get", "proxy"],
  ];
  for (const [method, path, verb, subresource] of cases) {
    const { code, body } = await ask(path, { method, tls: eve });
    assert.deepEqual([code, body], [403, `Forbidden (user=eve, verb=${verb}, resource=nodes, subresource(s)=[${subresource}])\n`], `${method} ${path}`);
  }
  const node = await issue("system:node:esxi-01", ["system:nodes"]);
  assert.equal((await ask("/pods", { tls: node })).code, 403);
  assert.equal((await ask("/pods", { tls: await issue("kube-apiserver-kubelet-client", ["kubeadm:cluster-admins"]) })).code, 200);
});

test("each path answers as a kubelet does: code, type, text, allowed methods", async () => {
  const text = "text/plain; charset=utf-8";
  const json = "application/json";
  const cases: [string, string, number, string, RegExp][] = [
    ["GET", "/healthz", 200, text, /^ok$/],
    ["POST", "/healthz", 200, text, /^ok$/],
    ["GET", "/healthz?verbose", 200, text, /^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]syncloop ok\nhealthz check passed\n$/],
    ["GET", "/healthz/ping", 200, text, /^ok$/],
    ["GET", "/healthz/log", 200, text, /^ok$/],
    ["GET", "/healthz/syncloop", 200, text, /^ok$/],
    ["GET", "/healthz/other", 404, text, /^404 page not found\n$/],
    ["GET", "/healthz/", 404, text, /^404 page not found\n$/],
    ["GET", "/", 404, text, /^404 page not found\n$/],
    ["GET", "/nothing", 404, text, /^404 page not found\n$/],
    ["GET", "/pods", 200, json, /^\{"kind":"PodList","apiVersion":"v1","metadata":\{\},"items":null\}\n$/],
    ["GET", "/pods/", 200, json, /"items":null/],
    ["GET", "/pods/web", 404, text, /^404: Page Not Found$/],
    ["POST", "/pods", 405, text, /^405: Method Not Allowed$/],
    ["GET", "/runningpods/", 200, json, /"items":null/],
    ["GET", "/stats/summary", 200, json, /^\{\n "node": \{\n {2}"nodeName": "esxi-01",\n/],
    ["GET", "/stats/summary/", 200, json, /"nodeName"/],
    ["POST", "/stats/summary", 200, json, /"nodeName"/],
    ["PUT", "/stats/summary", 405, text, /^405: Method Not Allowed$/],
    ["GET", "/stats", 404, text, /^404: Page Not Found$/],
    ["GET", "/metrics/resource", 200, "text/plain; version=0.0.4; charset=utf-8", /\nresource_scrape_error 0\n$/],
    ["GET", "/metrics/resource/", 404, text, /^404 page not found\n$/],
    ["GET", "/metrics/cadvisor", 501, text, /^\/metrics\/cadvisor of the kubelet API is not implemented by spheresim$/],
    ["POST", "/exec/default/web/web?command=ls", 501, text, /^\/exec\/default\/web\/web of the kubelet API is not implemented by spheresim$/],
    ["GET", "/containerLogs/default/web/web", 501, text, /not implemented by spheresim$/],
  ];
  for (const [method, path, code, type, body] of cases) {
    const answer = await ask(path, { method });
    assert.deepEqual([answer.code, answer.headers["content-type"]], [code, type], `${method} ${path}`);
    assert.match(answer.body, body, `${method} ${path}`);
  }
  assert.equal((await ask("/pods", { method: "POST" })).headers.allow, "GET");
  assert.equal((await ask("/stats/summary", { method: "DELETE" })).headers.allow, "GET, POST");
  assert.equal((await ask("/healthz", { method: "HEAD" })).body, "");
});

test("agents that tell nothing: the Summary says why, the metrics say that", async () => {
  use = () => Promise.reject(new Error("the Spherelet agent is away"));
  try {
    assert.deepEqual(await ask("/stats/summary").then(({ code, body }) => [code, body]), [500, "Internal Error: the Spherelet agent is away"]);
    const { code, body } = await ask("/metrics/resource");
    assert.deepEqual([code, body.split("\n").filter((line) => !line.startsWith("#"))], [200, ["resource_scrape_error 1", ""]]);
  } finally {
    use = () => Promise.resolve(idle);
  }
});

test("a long list comes in parts and whole; running pods are told by what a runtime knows", async () => {
  const running = { name: "web", image: "nginx", state: { running: { startedAt: "2026-01-01T00:00:00Z" } } };
  const pod = (index: number): Pod =>
    ({ apiVersion: "v1", kind: "Pod", metadata: { name: `p${index}`, namespace: "default", uid: `${index}` }, spec: { containers: [{ name: "web", image: "x".repeat(1_000) }] }, status: { containerStatuses: index % 2 === 0 ? [running] : [] } }) as unknown as Pod;
  pods = Array.from({ length: 1_000 }, (_, index) => pod(index));
  try {
    const { body, headers } = await ask("/pods");
    assert.equal(headers["transfer-encoding"], "chunked");
    const list = JSON.parse(body) as { readonly items: readonly Pod[] };
    assert.deepEqual(list.items.map(({ metadata }) => metadata.name), pods.map(({ metadata }) => metadata.name));
    assert.deepEqual(Object.keys(list.items[0]!), ["metadata", "spec", "status"]);
    const told = JSON.parse((await ask("/runningpods/")).body) as { readonly items: readonly object[] };
    assert.equal(told.items.length, 500);
    assert.deepEqual(told.items[0], { metadata: { name: "p0", namespace: "default", uid: "0", creationTimestamp: null }, spec: { containers: [{ name: "web", image: "nginx", resources: {} }] }, status: {} });
  } finally {
    pods = [];
  }
});

test("a body without end is not waited for, and a reader who goes away leaves nothing behind", async () => {
  const body = await new Promise<string>((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: api.port, path: "/stats/summary", method: "POST", agent: false, ca: admin.caPem, cert: admin.certPem, key: admin.keyPem, headers: { "content-length": "1000000000" } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("close", () => resolve(text));
    });
    call.on("error", reject);
    call.write("x");
  });
  assert.match(body, /nodeName/);
  pods = Array.from({ length: 5_000 }, () => ({ metadata: { name: "p" }, spec: { containers: [{ name: "x".repeat(2_000), image: "" }] } }) as unknown as Pod);
  try {
    await new Promise<void>((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port: api.port, path: "/pods", agent: false, ca: admin.caPem, cert: admin.certPem, key: admin.keyPem }, (response) => {
        response.once("data", () => {
          response.destroy();
          resolve();
        });
      });
      call.on("error", reject);
      call.end();
    });
    assert.equal((await ask("/healthz")).body, "ok");
  } finally {
    pods = [];
  }
});
