import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { ConfigMap } from "../../src/kubernetes/cluster-objects.js";
import { InformerSubscription } from "../../src/kubernetes/informer-subscription.js";
import { Informer } from "../../src/kubernetes/informer.js";
import { Informers } from "../../src/kubernetes/informers.js";
import { configMaps } from "../../src/kubernetes/resource-type.js";
import { FakeCluster } from "../support/fake-cluster.js";

const draft = (name: string, value = "1") => ({ metadata: { namespace: "default", name }, data: { value } });
const where = (name: string) => ({ namespace: "default", name });

function setUp() {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock);
  const informer = new Informer({ client: cluster, type: configMaps, clock, dice: new Dice(1) });
  const heard: string[] = [];
  informer.subscribe({
    added: (object) => void heard.push(`+${object.metadata.name}`),
    updated: (object, previous) => void heard.push(`~${object.metadata.name} ${previous.data?.["value"]}->${object.data?.["value"]}`),
    deleted: (object) => void heard.push(`-${object.metadata.name}`),
  });
  return { clock, cluster, informer, heard };
}

test("lists, watches, tells changes, keeps the store and its indexes", async () => {
  const { clock, cluster, informer, heard } = setUp();
  informer.store.addIndex("value", (object) => [object.data?.["value"] ?? ""]);
  await cluster.create(configMaps, draft("a"));
  informer.start();
  await informer.synced();
  await cluster.create(configMaps, draft("b"));
  await cluster.patch(configMaps, where("a"), { type: "merge", body: { data: { value: "2" } } });
  await clock.advance(0);
  assert.deepEqual(informer.store.byIndex("value", "2").map((object) => object.metadata.name), ["a"]);
  await cluster.delete(configMaps, where("b"));
  await clock.advance(0);
  assert.deepEqual(heard, ["+a", "+b", "~a 1->2", "-b"]);
  assert.equal(informer.store.size, 1);
  await informer.close();
});

test("a cut watch resumes where it stood, without a new list", async () => {
  const { clock, cluster, informer, heard } = setUp();
  informer.start();
  await informer.synced();
  await clock.advance(6_000);
  cluster.cutWatches();
  await cluster.create(configMaps, draft("a"));
  await clock.advance(1_000);
  assert.deepEqual(heard, ["+a"]);
  assert.equal(cluster.calls.filter((call) => call.verb === "list").length, 1);
  assert.equal(cluster.calls.filter((call) => call.verb === "watch").length, 2);
  await informer.close();
});

test("410 leads to a new list whose differences are told", async () => {
  const { clock, cluster, informer, heard } = setUp();
  await cluster.create(configMaps, draft("a"));
  await cluster.create(configMaps, draft("b"));
  informer.start();
  await informer.synced();
  await clock.advance(0);
  cluster.intercept = (call) => {
    if (call.verb === "watch") throw new Error("no way through");
  };
  cluster.cutWatches();
  await clock.advance(0);
  await cluster.delete(configMaps, where("a"));
  await cluster.patch(configMaps, where("b"), { type: "merge", body: { data: { value: "9" } } });
  await cluster.create(configMaps, draft("c"));
  cluster.compact();
  cluster.intercept = undefined;
  await clock.advance(20_000);
  assert.deepEqual(heard, ["+a", "+b", "~b 1->9", "+c", "-a"]);
  assert.equal(cluster.calls.filter((call) => call.verb === "list").length, 2);
  await informer.close();
});

test("an unreachable server is asked again with growing pauses", async () => {
  const { clock, cluster, informer } = setUp();
  cluster.intercept = () => {
    throw new Error("refused");
  };
  informer.start();
  await clock.advance(10_000);
  const tries = cluster.calls.length;
  assert.ok(tries >= 5 && tries <= 10, `${tries} tries in 10 s`);
  cluster.intercept = undefined;
  await clock.advance(15_000);
  assert.equal(informer.hasSynced, true);
  await informer.close();
});

test("who subscribes late hears all there is as added; informers are shared by kind", async () => {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock);
  await cluster.create(configMaps, draft("a"));
  const informers = new Informers({ client: cluster, clock, dice: new Dice(1) });
  assert.equal(informers.of(configMaps), informers.of(configMaps));
  informers.of(configMaps);
  await informers.start();
  const heard: string[] = [];
  informers.of(configMaps).subscribe({ added: (object) => void heard.push(object.metadata.name) });
  assert.deepEqual(heard, ["a"]);
  await informers.close();
});

test("while an async handler is busy, changes of one object melt into one", async () => {
  const heard: string[] = [];
  let release: () => void = () => undefined;
  const subscription = new InformerSubscription<ConfigMap>(
    {
      added: (object) => {
        heard.push(`+${object.metadata.name}`);
        return object.metadata.name === "first" ? new Promise<void>((resolve) => (release = resolve)) : undefined;
      },
      updated: (object, previous) => void heard.push(`~${object.metadata.name} ${previous.metadata.resourceVersion}->${object.metadata.resourceVersion}`),
      deleted: (object) => void heard.push(`-${object.metadata.name}`),
    },
    silentLogger,
  );
  const object = (name: string, resourceVersion: string, uid = name): ConfigMap => ({ metadata: { name, uid, resourceVersion, creationTimestamp: "" } });
  subscription.tell(undefined, object("first", "1"));
  subscription.tell(object("a", "1"), object("a", "2"));
  subscription.tell(object("a", "2"), object("a", "3"));
  subscription.tell(undefined, object("b", "4"));
  subscription.tell(object("b", "4"), undefined);
  subscription.tell(object("c", "5", "old"), undefined);
  subscription.tell(undefined, object("c", "6", "new"));
  release();
  await subscription.idle();
  assert.deepEqual(heard, ["+first", "~a 1->3", "-c", "+c"]);
});
