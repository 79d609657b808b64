import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import { after, before, describe, test } from "node:test";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { eventually } from "../support/eventually.js";
import { type Cluster, startCluster } from "./cluster.js";
import { jsonLines, RawClient } from "./raw-client.js";

const PODS = "/api/v1/namespaces/default/pods";
const pod = (name: string, spec: object = {}): object => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "c", image: "i" }], ...spec } });
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

describe("the wire of the API server", () => {
  let cluster: Cluster;
  let raw: RawClient;
  const steps: StepRecord[] = [];
  before(async () => {
    cluster = await startCluster({ recorder: { record: (step) => steps.push(step) }, tokens: [{ token: "secret", name: "dev", groups: ["devs"] }] });
    raw = new RawClient(cluster.server.address, cluster.admin);
  });
  after(async () => {
    raw.close();
    await cluster.close();
  });

  test("tells its version and health without detours", async () => {
    const version = (await raw.send("GET", "/version?timeout=5s")).json;
    assert.deepEqual([version.major, version.minor, version.gitVersion], ["1", "32", "v1.32.0+spheresim"]);
    for (const path of ["/healthz", "/livez", "/readyz"]) assert.equal((await raw.send("GET", path)).text, "ok");
  });

  test("counts the watches under way by kind, as kube-apiserver does", async () => {
    const watching = async (): Promise<string | undefined> => /^apiserver_longrunning_requests\{group="",resource="pods",verb="WATCH",version="v1"\} (\d+)$/m.exec((await raw.send("GET", "/metrics")).text)?.[1];
    const streams = [raw.open("GET", "/api/v1/pods?watch=true&resourceVersion=0"), raw.open("GET", `${PODS}?watch=true&resourceVersion=0`)];
    await Promise.all(streams.map((stream) => once(stream, "response")));
    assert.equal(await watching(), "2");
    for (const stream of streams) stream.close();
    await eventually("both are over", async () => (await watching()) === "0");
  });

  test("discovery in the form that is asked for", async () => {
    for (const version of ["v2", "v2beta1"]) {
      const accept = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`;
      const answer = await raw.send("GET", "/apis", { headers: { accept } });
      assert.equal(answer.headers["content-type"], `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
      assert.equal(answer.json.apiVersion, `apidiscovery.k8s.io/${version}`);
      assert.deepEqual(answer.json.items.map((item: { metadata: { name: string } }) => item.metadata.name), ["apps", "coordination.k8s.io", "events.k8s.io", "scheduling.k8s.io", "imagecontroller.vmware.com", "authentication.k8s.io", "authorization.k8s.io"]);
    }
    assert.equal((await raw.send("GET", "/api")).json.kind, "APIVersions");
    assert.equal((await raw.send("GET", "/apis")).json.kind, "APIGroupList");
    const resources = (await raw.send("GET", "/apis/apps/v1")).json.resources.map((row: { name: string }) => row.name);
    assert.deepEqual(resources, ["deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/scale", "replicasets/status"]);
  });

  test("OpenAPI v3 lists fieldValidation on the PATCH of every kind", async () => {
    const index = (await raw.send("GET", "/openapi/v3")).json;
    const document = (await raw.send("GET", index.paths["api/v1"].serverRelativeURL)).json;
    const patch = document.paths["/api/v1/namespaces/{namespace}/pods/{name}"].patch;
    assert.ok(patch.parameters.some((parameter: { name: string }) => parameter.name === "fieldValidation"));
    assert.deepEqual(patch["x-kubernetes-group-version-kind"], { group: "", version: "v1", kind: "Pod" });
    assert.ok(document.components.schemas["io.k8s.api.core.v1.Container"].properties.image);
  });

  test("a patch that makes no object of its kind is refused as a patch, in the words of its reader", async () => {
    await raw.send("POST", PODS, { body: pod("patched") });
    const refuse = async (type: string, body: string, status: number, message: string | RegExp): Promise<void> => {
      const answer = await raw.send("PATCH", `${PODS}/patched?fieldValidation=Strict`, { type: `application/${type}-patch+json`, body });
      assert.equal(answer.status, status, answer.text);
      if (typeof message === "string") assert.equal(answer.json.message, message);
      else assert.match(answer.json.message, message);
    };
    const shown = "map[spec:map[containers:[map[image:5 name:c]]]]";
    await refuse("strategic-merge", '{"spec":{"containers":[{"name":"c","image":5}]}}', 422, ` "" is invalid: patch: Invalid value: "${shown}": cannot convert int64 to string`);
    await refuse("strategic-merge", '{"spec":{"priority":"x"}}', 422, ' "" is invalid: patch: Invalid value: "map[spec:map[priority:x]]": unrecognized type: int32');
    await refuse("strategic-merge", '{"spec":{"nodeSelector":[]}}', 422, ' "" is invalid: patch: Invalid value: "map[spec:map[nodeSelector:[]]]": cannot restore map from slice');
    await refuse("strategic-merge", '{"spec":{"foo":1}}', 422, ' "" is invalid: patch: Invalid value: "map[spec:map[foo:1]]": strict decoding error: unknown field "spec.foo"');
    await refuse("merge", '{"spec":{"priority":"x"}}', 422, /^ "" is invalid: patch: Invalid value: "\{.*\}": json: cannot unmarshal string into Go struct field PodSpec\.spec\.priority of type int32$/);
    await refuse("merge", '{"spec":{"foo":1,"foo":2}}', 422, /: strict decoding error: duplicate field "spec\.foo", unknown field "spec\.foo"$/);
    await refuse("json", '[{"op":"add","path":"/spec/foo","value":1}]', 422, /: strict decoding error: unknown field "spec\.foo"$/);
    await refuse("strategic-merge", "{bad", 400, "invalid character 'b' looking for beginning of object key string");
    await refuse("merge", "{bad", 400, "error decoding patch: invalid character 'b' looking for beginning of object key string");
    await refuse("merge", "[]", 400, "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}");
  });

  test("create, get, put, patch in three ways, delete", async () => {
    const created = await raw.send("POST", PODS, { body: pod("web") });
    assert.equal(created.status, 201);
    assert.equal((await raw.send("POST", PODS, { body: pod("web") })).status, 409);
    const got = (await raw.send("GET", `${PODS}/web`)).json;
    assert.deepEqual(got, created.json);
    assert.equal((await raw.send("PUT", `${PODS}/web`, { body: { ...got, metadata: { ...got.metadata, labels: { a: "1" } } } })).json.metadata.labels.a, "1");
    assert.equal((await raw.send("PUT", `${PODS}/web`, { body: got })).json.reason, "Conflict");
    for (const [type, body] of [
      ["application/merge-patch+json", { metadata: { labels: { b: "2" } } }],
      ["application/strategic-merge-patch+json", { spec: { containers: [{ name: "c", image: "j" }] } }],
      ["application/json-patch+json", [{ op: "add", path: "/metadata/labels/c", value: "3" }]],
    ] as const) {
      assert.equal((await raw.send("PATCH", `${PODS}/web`, { body, type })).status, 200);
    }
    const after = (await raw.send("GET", `${PODS}/web`)).json;
    assert.deepEqual([after.metadata.labels, after.spec.containers[0].image], [{ a: "1", b: "2", c: "3" }, "j"]);
    assert.equal((await raw.send("DELETE", `${PODS}/web`, { body: { propagationPolicy: "Background" } })).json.kind, "Pod");
    const missing = (await raw.send("GET", `${PODS}/web`)).json;
    assert.deepEqual([missing.code, missing.reason, missing.details], [404, "NotFound", { name: "web", kind: "pods" }]);
  });

  test("the same over HTTP/1.1, also where the request names the server, as to a proxy", async () => {
    const [host, port] = cluster.server.address.split(":");
    const { caPem: ca, certPem: cert, keyPem: key } = cluster.admin;
    for (const path of ["/api/v1/namespaces/default", `https://${cluster.server.address}/api/v1/namespaces/default?pretty=1`]) {
      const text = await new Promise<string>((resolve, reject) => {
        httpsRequest({ host, port, path, ca, cert, key, agent: false }, (response) => {
          let whole = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (whole += chunk)).on("end", () => resolve(whole));
        })
          .on("error", reject)
          .end();
      });
      assert.equal((JSON.parse(text) as { kind: string }).kind, "Namespace");
    }
  });

  test("a path is taken as it came: what looks like a server or a step upward in it is not served", async () => {
    for (const path of ["//[", "//elsewhere/version", "/apis/../version", "/%zz"]) assert.equal((await raw.send("GET", path)).status, 404, path);
  });

  test("Tables for a list and in a watch; columns come once", async () => {
    await raw.send("POST", PODS, { body: pod("table") });
    const list = (await raw.send("GET", `${PODS}?fieldSelector=metadata.name%3Dtable`, { headers: { accept: TABLE } })).json;
    assert.deepEqual([list.kind, list.rows[0].cells.slice(0, 4), list.rows[0].object.kind], ["Table", ["table", "0/1", "Pending", "0"], "PartialObjectMetadata"]);
    const stream = raw.open("GET", `${PODS}?watch=true&resourceVersion=${list.metadata.resourceVersion}&includeObject=Object`, { accept: TABLE });
    const lines = jsonLines(stream);
    for (const name of ["t1", "t2"]) await raw.send("POST", PODS, { body: pod(name) });
    const first = (await lines.next()).value as { type: string; object: { columnDefinitions: unknown; rows: { object: { kind: string } }[] } };
    const second = (await lines.next()).value as typeof first;
    assert.deepEqual([first.type, Array.isArray(first.object.columnDefinitions), second.object.columnDefinitions, second.object.rows[0]!.object.kind], ["ADDED", true, null, "Pod"]);
    stream.close();
  });

  test("a watch ends after timeoutSeconds, and a broken query is an ordinary refusal", async () => {
    const ended = await raw.send("GET", `${PODS}?watch=1&timeoutSeconds=1&resourceVersion=0&labelSelector=none%3Dsuch`);
    assert.deepEqual([ended.status, ended.text], [200, ""]);
    assert.equal((await raw.send("GET", `${PODS}?watch=1&fieldSelector=spec.colour%3Dred`)).status, 400);
  });

  test("Accept: YAML yes, protobuf alone no, metadata alone yes", async () => {
    assert.match((await raw.send("GET", "/api/v1/namespaces/default", { headers: { accept: "application/yaml" } })).text, /^kind: Namespace|kind: Namespace/m);
    assert.equal((await raw.send("GET", "/api/v1/namespaces/default", { headers: { accept: "application/vnd.kubernetes.protobuf" } })).status, 406);
    const partial = await raw.send("GET", "/api/v1/namespaces", { headers: { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" } });
    assert.equal(partial.json.items[0].kind, "PartialObjectMetadata");
  });

  test("scale, eviction, deletecollection", async () => {
    const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: { selector: { matchLabels: { a: "b" } }, template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } } } };
    const path = "/apis/apps/v1/namespaces/default/deployments";
    await raw.send("POST", path, { body: deployment });
    const scale = await raw.send("PATCH", `${path}/d/scale`, { body: { spec: { replicas: 4 } }, type: "application/merge-patch+json" });
    assert.deepEqual([scale.json.kind, scale.json.spec.replicas], ["Scale", 4]);
    assert.equal((await raw.send("GET", `${path}/d`)).json.spec.replicas, 4);
    assert.equal((await raw.send("POST", `${PODS}/t1/eviction`, { body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "t1" } } })).status, 201);
    assert.equal((await raw.send("GET", `${PODS}/t1`)).status, 404);
    const gone = await raw.send("DELETE", PODS);
    assert.equal(gone.json.kind, "PodList");
    assert.equal((await raw.send("GET", PODS)).json.items.length, 0);
  });

  test("strangers get 401, tokens and certificates are known, a node edits itself alone", async () => {
    const stranger = new RawClient(cluster.server.address, { caPem: cluster.admin.caPem });
    assert.equal((await stranger.send("GET", "/api/v1/pods")).json.reason, "Unauthorized");
    assert.equal((await stranger.send("GET", "/api/v1/pods", { headers: { authorization: "Bearer wrong" } })).status, 401);
    assert.equal((await stranger.send("GET", "/api/v1/pods", { headers: { authorization: "Bearer secret" } })).status, 200);
    stranger.close();
    const material = await cluster.authority.issue({ commonName: "system:node:a", organizations: ["system:nodes"], usages: ["client"] });
    const node = new RawClient(cluster.server.address, material);
    for (const [name, status] of [["a", 201], ["b", 403]] as const) {
      const answer = await node.send("POST", "/api/v1/nodes", { body: { apiVersion: "v1", kind: "Node", metadata: { name } } });
      assert.equal(answer.status, status);
      if (status === 403) assert.equal(answer.json.message, 'nodes "b" is forbidden: node "a" is not allowed to modify node "b"');
    }
    node.close();
  });

  test("records steps 1, 2 and D1 of every pod", async () => {
    steps.length = 0;
    const { uid, resourceVersion } = (await raw.send("POST", PODS, { body: pod("journal", { nodeName: "n" }) })).json.metadata;
    await raw.send("DELETE", `${PODS}/journal`);
    await raw.send("DELETE", `${PODS}/journal?gracePeriodSeconds=0`);
    assert.deepEqual(steps.map((step) => [step.step, step.podUid, step.room]), [[1, uid, "apiserver"], [2, uid, "apiserver"], [101, uid, "apiserver"]]);
    assert.equal(steps[1]!.etcdRevision, BigInt(resourceVersion));
  });

  test("a restarted server resumes a watch from before its start", async () => {
    const { resourceVersion } = (await raw.send("POST", PODS, { body: pod("old") })).json.metadata;
    await raw.send("POST", PODS, { body: pod("newer") });
    const serving = await cluster.authority.issue({ commonName: "second", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], usages: ["server"] });
    const { startApiserver } = await import("../../src/apiserver/index.js");
    const { wallClock } = await import("../../src/base/clock.js");
    const { silentLogger } = await import("../../src/base/log.js");
    const { Dice } = await import("../../src/base/seeded-random.js");
    const second = await startApiserver({ listen: "127.0.0.1:0", etcdEndpoints: [cluster.etcd], tls: serving, clock: wallClock(), dice: new Dice(2), log: silentLogger });
    const client = new RawClient(second.address, cluster.admin);
    const stream = client.open("GET", `${PODS}?watch=true&resourceVersion=${resourceVersion}`);
    const event = (await jsonLines(stream).next()).value as { type: string; object: { metadata: { name: string } } };
    assert.deepEqual([event.type, event.object.metadata.name], ["ADDED", "newer"]);
    client.close();
    await second.close();
  });
});
