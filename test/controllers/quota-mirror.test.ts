import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { quotaLimits } from "../../src/controllers/quota-limits.js";
import { type PoolLimiter, QuotaMirror } from "../../src/controllers/quota-mirror.js";
import { type NamespacePool, poolKeys } from "../../src/controllers/resource-pool-controller.js";
import type { ResourceQuota } from "../../src/kubernetes/resource-policy.js";
import { events, namespaces, resourceQuotas } from "../../src/kubernetes/resource-type.js";
import { startHarness } from "./harness.js";
import { fc } from "../support/properties.js";

const MOID = "resgroup-44";
const MARK = "spheresim.io/resource-pool-limits-of-quota";

function quota(hard: Readonly<Record<string, string>>, more: object = {}): ResourceQuota {
  return { metadata: { namespace: "team", name: "q" }, spec: { hard, ...more } } as unknown as ResourceQuota;
}

test("the worked example: cores become MHz and bytes MB", () => {
  const { cpuLimitMhz, memoryLimitMb } = quotaLimits([quota({ "limits.cpu": "10", "limits.memory": "5000Mi" })], 2_600);
  assert.deepEqual([cpuLimitMhz, memoryLimitMb], [26_000, 5_000]);
});

test("of several quotas the smallest bounds; requests, bare names and scoped quotas do not", () => {
  const { cpuLimitMhz, memoryLimitMb } = quotaLimits([quota({ "limits.cpu": "4" }), quota({ "limits.cpu": "1500m", "requests.cpu": "1", cpu: "1" }), quota({ "limits.cpu": "1", "limits.memory": "1" }, { scopes: ["BestEffort"] })], 2_601);
  assert.deepEqual([cpuLimitMhz, memoryLimitMb], [3_902, undefined]);
  assert.equal(quotaLimits([quota({ "limits.memory": "1" })], 1).memoryLimitMb, 1);
  assert.equal(quotaLimits([quota({ "limits.cpu": "9E" })], 2_600).cpuLimitMhz, 2_147_483_647);
});

test("property: a pool is never smaller than any of its quotas says, and no more than one unit larger than the smallest", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 5_000 }), (millis, coreMhz) => {
      const { cpuLimitMhz } = quotaLimits(millis.map((milli) => quota({ "limits.cpu": `${milli}m` })), coreMhz);
      const least = (Math.min(...millis) * coreMhz) / 1_000;
      assert.ok(cpuLimitMhz !== undefined && cpuLimitMhz >= least && cpuLimitMhz < least + 1);
    }),
  );
});

/** A vCenter with one pool that refuses limits below what is reserved. */
class OnePool implements PoolLimiter {
  pool: NamespacePool = { moid: MOID, namespace: "team" };
  reservedMb = 0;
  isAway = false;
  coreMhz = 2_600;
  sets = 0;

  list = async (): Promise<readonly NamespacePool[]> => {
    if (this.isAway) throw new Error("no vCenter");
    return [this.pool];
  };

  cluster = async (): Promise<{ readonly moid: string; readonly coreMhz: number }> => ({ moid: "domain-c9", coreMhz: this.coreMhz });

  setLimits = async (moid: string, limits: Pick<NamespacePool, "cpuLimitMhz" | "memoryLimitMb">): Promise<string | undefined> => {
    assert.equal(moid, MOID);
    this.sets += 1;
    if ((limits.memoryLimitMb ?? Infinity) < this.reservedMb) return `config.memory_allocation.limit: ${limits.memoryLimitMb} MB is below the ${this.reservedMb} MB reserved in the pool`;
    this.pool = { moid: MOID, namespace: "team", ...limits };
    return undefined;
  };
}

async function startMirror(t: TestContext, vcenter: OnePool, annotations: Readonly<Record<string, string>> = {}) {
  const harness = await startHarness(t, (context) => [new QuotaMirror(context, vcenter)], async (cluster) => {
    await cluster.create(namespaces, { metadata: { name: "team", annotations: { [poolKeys.pool]: MOID, ...annotations } } });
  });
  const annotation = (key: string): string | undefined => harness.cluster.peek(namespaces, { name: "team" })?.metadata.annotations?.[key];
  return { ...harness, annotation };
}

const draft = (name: string, hard: Readonly<Record<string, string>>): never => ({ metadata: { namespace: "team", name }, spec: { hard } }) as never;

test("a quota becomes the pool's limits and the namespace's annotations; its removal lifts them; nothing is done twice", async (t) => {
  const vcenter = new OnePool();
  const { cluster, clock, settle, annotation } = await startMirror(t, vcenter);
  await cluster.create(resourceQuotas, draft("q", { "limits.cpu": "10", "limits.memory": "5000Mi" }));
  await settle();
  assert.deepEqual(vcenter.pool, { moid: MOID, namespace: "team", cpuLimitMhz: 26_000, memoryLimitMb: 5_000 });
  assert.deepEqual([annotation(poolKeys.cpuLimit), annotation(poolKeys.memoryLimit), annotation(MARK)], ["10.0000", "5000Mi", "cpu,memory"]);
  await clock.advance(200_000);
  await settle();
  assert.equal(vcenter.sets, 1, "the sweeps found nothing to do");

  await cluster.delete(resourceQuotas, { namespace: "team", name: "q" });
  await settle();
  assert.deepEqual(vcenter.pool, { moid: MOID, namespace: "team" });
  assert.deepEqual([annotation(poolKeys.cpuLimit), annotation(poolKeys.memoryLimit), annotation(MARK), annotation(poolKeys.pool)], [undefined, undefined, undefined, MOID]);
});

test("a limit somebody set by hand stays where no quota speaks of it, and goes back where one does", async (t) => {
  const vcenter = new OnePool();
  vcenter.pool = { moid: MOID, namespace: "team", cpuLimitMhz: 7_000, memoryLimitMb: 700 };
  const { cluster, clock, settle } = await startMirror(t, vcenter);
  await settle();
  assert.equal(vcenter.sets, 0);
  await cluster.create(resourceQuotas, draft("q", { "limits.memory": "1Gi" }));
  await settle();
  assert.deepEqual([vcenter.pool.cpuLimitMhz, vcenter.pool.memoryLimitMb], [7_000, 1_024]);
  vcenter.pool = { ...vcenter.pool, memoryLimitMb: 9_999 };
  await clock.advance(60_000);
  await settle();
  assert.equal(vcenter.pool.memoryLimitMb, 1_024);
});

test("after a restart: a quota that went meanwhile is lifted, as the mark on the namespace says", async (t) => {
  const vcenter = new OnePool();
  vcenter.pool = { moid: MOID, namespace: "team", cpuLimitMhz: 26_000, memoryLimitMb: 700 };
  const { settle, annotation } = await startMirror(t, vcenter, { [MARK]: "cpu" });
  await settle();
  assert.deepEqual(vcenter.pool, { moid: MOID, namespace: "team", memoryLimitMb: 700 });
  assert.equal(annotation(MARK), undefined);
});

test("a slower host makes the same cores fewer MHz", async (t) => {
  const vcenter = new OnePool();
  const { cluster, clock, settle } = await startMirror(t, vcenter);
  await cluster.create(resourceQuotas, draft("q", { "limits.cpu": "10" }));
  await settle();
  vcenter.coreMhz = 2_000;
  await clock.advance(60_000);
  await settle();
  assert.equal(vcenter.pool.cpuLimitMhz, 20_000);
});

test("what vCenter refuses is told on the quota, tried again, and told again when it took", async (t) => {
  const vcenter = new OnePool();
  vcenter.reservedMb = 2_048;
  const { cluster, clock, settle, annotation } = await startMirror(t, vcenter);
  await cluster.create(resourceQuotas, draft("q", { "limits.memory": "1Gi" }));
  await settle();
  const told = (): (readonly (string | undefined)[])[] => cluster.peekAll(events).map(({ involvedObject, type, reason, message }) => [involvedObject.name, type, reason, message]);
  const warning = ["q", "Warning", "ResourcePoolLimitRefused", "vCenter keeps the limits of the resource pool as they were: config.memory_allocation.limit: 1024 MB is below the 2048 MB reserved in the pool"] as const;
  assert.deepEqual(told(), [warning]);
  assert.deepEqual([annotation(poolKeys.memoryLimit), annotation(MARK), vcenter.pool.memoryLimitMb], [undefined, "memory", undefined]);
  vcenter.reservedMb = 512;
  await clock.advance(5_000);
  await settle();
  assert.equal(vcenter.pool.memoryLimitMb, 1_024);
  assert.deepEqual(told().at(-1), ["q", "Normal", "ResourcePoolLimitSet", `${MOID} has the limits of the quota`]);
  assert.equal(annotation(poolKeys.memoryLimit), "1024Mi");
});

test("a vCenter that is away is asked again", async (t) => {
  const vcenter = new OnePool();
  vcenter.isAway = true;
  const { cluster, clock, settle } = await startMirror(t, vcenter);
  await cluster.create(resourceQuotas, draft("q", { "limits.cpu": "1" }));
  await settle();
  vcenter.isAway = false;
  await clock.advance(30_000);
  await settle();
  assert.equal(vcenter.pool.cpuLimitMhz, 2_600);
});
