import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { ConfigMap } from "../../src/kubernetes/cluster-objects.js";
import { configMaps, nodes, pods } from "../../src/kubernetes/resource-type.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";
import { ApiError, isConflict, isExpired, isNotFound } from "../../src/kubernetes/status.js";
import { eventually } from "../support/eventually.js";
import { startFakeApiServer } from "../support/fake-api-server.js";
import { FakeCluster } from "../support/fake-cluster.js";

async function setUp(t: TestContext, clock = monotonicClock()) {
  const cluster = new FakeCluster(new ManualClock(0));
  const server = await startFakeApiServer(cluster);
  const client = new RestClient({ server: server.url, userAgent: "test/1", clock, dice: new Dice(1) });
  t.after(async () => {
    await client.close();
    await server.close();
  });
  return { cluster, server, client };
}

const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { namespace: "default", name }, data });

test("create, get, update, patch, delete", async (t) => {
  const { client, server } = await setUp(t);
  const created = await client.create(configMaps, configMap("a", { k: "1" }), { fieldManager: "tester" });
  assert.equal(created.data?.["k"], "1");
  const where = { namespace: "default", name: "a" };
  assert.equal((await client.get(configMaps, where)).metadata.uid, created.metadata.uid);
  const updated = await client.update(configMaps, { ...created, data: { k: "2" } });
  await assert.rejects(client.update(configMaps, { ...created, data: { k: "3" } }), isConflict);
  const patched = await client.patch(configMaps, where, { type: "merge", body: { data: { l: "4" } } });
  assert.deepEqual(patched.data, { k: "2", l: "4" });
  const jsonPatched: ConfigMap = await client.patch(configMaps, where, { type: "json", body: [{ op: "replace", path: "/data/l", value: "5" }] });
  assert.equal(jsonPatched.data?.["l"], "5");
  await assert.rejects(client.delete(configMaps, where, { preconditions: { uid: "other" } }), isConflict);
  await client.delete(configMaps, where, { preconditions: { uid: updated.metadata.uid } });
  await assert.rejects(client.get(configMaps, where), (error) => isNotFound(error) && (error as ApiError).code === 404);
  assert.equal(server.requests[0]?.line, "POST /api/v1/namespaces/default/configmaps?fieldManager=tester");
  assert.equal(server.requests[0]?.headers["user-agent"], "test/1");
});

test("a list follows its pages and fills in kinds", async (t) => {
  const { client, server } = await setUp(t);
  for (const name of ["a", "b", "c", "d", "e"]) await client.create(configMaps, configMap(name));
  const list = await client.list(configMaps, { pageSize: 2, labelSelector: "!x" });
  assert.deepEqual(list.items.map((item) => item.metadata.name), ["a", "b", "c", "d", "e"]);
  assert.equal(list.items[0]?.kind, "ConfigMap");
  assert.equal(server.requests.filter(({ line }) => line.startsWith("GET")).length, 3);
});

test("binding and a status subresource go to their own paths", async (t) => {
  const { client, cluster, server } = await setUp(t);
  const pod = await client.create(pods, { metadata: { namespace: "default", name: "p" }, spec: { containers: [] } });
  await client.patch(pods, { namespace: "default", name: "p" }, { type: "strategic", body: { status: { conditions: [{ type: "X", status: "True" }] } } }, { subresource: "status" });
  await client.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name: "p", uid: pod.metadata.uid }, target: { kind: "Node", name: "n1" } });
  assert.equal(cluster.peek(pods, { namespace: "default", name: "p" })?.spec.nodeName, "n1");
  assert.deepEqual(server.requests.slice(1).map(({ line }) => line), ["PATCH /api/v1/namespaces/default/pods/p/status", "POST /api/v1/namespaces/default/pods/p/binding"]);
  await assert.rejects(client.bind({ apiVersion: "v1", kind: "Binding", metadata: { namespace: "default", name: "p", uid: "old" }, target: { kind: "Node", name: "n1" } }), isConflict);
});

test("a watch gives events, ends on abort, and throws the Status of an ERROR event", async (t) => {
  const { client, cluster } = await setUp(t);
  await client.create(configMaps, configMap("a"));
  const abort = new AbortController();
  const seen: string[] = [];
  for await (const event of client.watch(configMaps, { resourceVersion: "100", signal: abort.signal })) {
    if (event.type === "BOOKMARK") continue;
    seen.push(`${event.type} ${event.object.metadata.name}`);
    if (seen.length === 1) await client.create(configMaps, configMap("b"));
    if (seen.length === 2) abort.abort();
  }
  assert.deepEqual(seen, ["ADDED a", "ADDED b"]);
  cluster.compact();
  await assert.rejects(client.watch(configMaps, { resourceVersion: "1" }).next(), isExpired);
});

test("after the connection broke the next call makes a new one; a running watch fails as transport", async (t) => {
  const { client, server } = await setUp(t);
  await client.list(nodes);
  const watch = client.watch(nodes, { resourceVersion: "100" });
  const next = watch.next();
  next.catch(() => undefined);
  await client.list(nodes);
  server.dropConnections();
  await assert.rejects(next, (error) => error instanceof ApiError && error.isTransport);
  await client.list(nodes);
  assert.equal(server.sessionsSeen(), 2);
});

test("after a goaway new calls use a new connection", async (t) => {
  const { client, server } = await setUp(t);
  await client.list(nodes);
  server.goAway();
  for (let i = 0; i < 3; i += 1) await client.list(nodes);
  assert.equal(server.sessionsSeen(), 2);
});

test("429 with Retry-After is tried again, other refusals are not", async (t) => {
  const clock = new ManualClock();
  const { client, server } = await setUp(t, clock);
  server.answerNext({ code: 429, headers: { "retry-after": "1" }, body: "slow down" });
  const answer = client.list(nodes);
  const done = answer.then(() => true);
  while (!(await Promise.race([done, Promise.resolve(false)]))) await clock.advance(500);
  assert.equal(server.requests.length, 2);
  server.answerNext({ code: 500, body: "kaputt" });
  await assert.rejects(client.list(nodes), (error) => error instanceof ApiError && error.code === 500 && error.message === "kaputt" && !error.isTransport);
});

test("a write whose fate is unknown is not repeated, a read is", async (t) => {
  const { client, server } = await setUp(t);
  server.answerNext({ code: 0 });
  await assert.rejects(client.create(configMaps, configMap("a")), (error) => error instanceof ApiError && error.isTransport);
  server.answerNext({ code: 0 });
  assert.equal((await client.list(configMaps)).items.length, 0);
});

test("a call that gets no answer ends at its deadline", async (t) => {
  const clock = new ManualClock();
  const { client, cluster } = await setUp(t, clock);
  await client.list(nodes);
  cluster.intercept = () => new Promise<void>(() => undefined);
  const answer = client.get(nodes, { name: "n" }, { timeoutMs: 1_000 });
  answer.catch(() => undefined);
  await clock.advance(1_000);
  await assert.rejects(answer, /no answer from .* within 1000 ms/);
});

test("a heartbeat does not wait behind calls that have no answer yet", async (t) => {
  const { client, cluster } = await setUp(t);
  await client.list(nodes);
  const held: (() => void)[] = [];
  let isHeartbeat = false;
  cluster.intercept = () => (isHeartbeat ? undefined : new Promise<void>((resolve) => void held.push(resolve)));
  const calls = Array.from({ length: 65 }, () => client.list(nodes));
  await eventually("as many as may be on the wire are there", () => held.length === 64);
  isHeartbeat = true;
  await client.list(nodes, { ahead: true });
  assert.equal(held.length, 64, "the last one waits still");
  for (const release of held) release();
  await Promise.all(calls);
});

test("a token is refused over clear text, and nobody there is said plainly", async () => {
  assert.throws(() => new RestClient({ server: "http://127.0.0.1:1", token: "t", userAgent: "x" }), /https alone/);
  const client = new RestClient({ server: "http://127.0.0.1:1", userAgent: "x" });
  await assert.rejects(client.get(nodes, { name: "n" }), /ECONNREFUSED/);
  await client.close();
});

test("a client that was closed leaves no timer, also in the middle of a call and of a connection", async (t) => {
  const clock = new ManualClock();
  const { client, cluster } = await setUp(t, clock);
  await client.list(nodes);
  assert.equal(clock.waiting, 1, "the connection is asked after when it is silent");
  cluster.intercept = () => new Promise<void>(() => undefined);
  const failed = assert.rejects(client.get(nodes, { name: "n" }), /closed/);
  await client.close();
  await failed;
  assert.equal(clock.waiting, 0);

  const { client: connecting } = await setUp(t, clock);
  const refused = assert.rejects(connecting.list(nodes), /closed/);
  await connecting.close();
  await refused;
  assert.equal(clock.waiting, 0);
});
