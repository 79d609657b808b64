import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "../../src/apiserver/errors.js";
import { KINDS, ROOT_PREFIX } from "../../src/apiserver/kinds/kinds.js";
import { podKind } from "../../src/apiserver/kinds/pod.js";
import type { ApiObject } from "../../src/apiserver/object.js";
import { Registry } from "../../src/apiserver/registry.js";
import { parsePatch, patchObject } from "../../src/apiserver/rest/patch.js";
import { bindPod } from "../../src/apiserver/rest/pod-subresources.js";
import { isSettled } from "../../src/apiserver/rest/settled.js";
import { replaceObject } from "../../src/apiserver/rest/update.js";
import { WatchCache } from "../../src/apiserver/storage/watch-cache.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { Fixture, podBody, writing } from "./registry-fixture.js";
import { fc } from "../support/properties.js";

/** A write of the pod `p` by a registry. */
type Write = (registry: Registry) => Promise<unknown>;

function patched(patch: object, type: "merge" | "strategic-merge", manager: string, subresource?: string): Write {
  return (registry) =>
    patchObject(registry, podKind, "default", "p", parsePatch(podKind, { bytes: Buffer.from(JSON.stringify(patch)), contentType: `application/${type}-patch+json` }), {
      ...writing(manager),
      ...(subresource === undefined ? {} : { subresource }),
    });
}

/** An API server that starts anew over the same store knows objects as rows alone, so that it takes the whole way with each. */
async function afterRestart(fixture: Fixture, write: Write): Promise<unknown> {
  const { backend, emulated, monotonic } = fixture;
  const cache = new WatchCache({ backend, clock: monotonic, log: silentLogger, root: ROOT_PREFIX, prefixes: [...new Set(KINDS.map((kind) => kind.prefix))] });
  await cache.start();
  try {
    return await write(new Registry({ backend, cache, kinds: KINDS, emulated, monotonic, dice: new Dice(1), log: silentLogger }));
  } finally {
    await cache.stop();
  }
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return JSON.stringify(error.toStatus());
  }
}

async function storedText(fixture: Fixture): Promise<string | undefined> {
  return (await fixture.backend.range({ key: "/registry/pods/default/p" })).rows[0]?.value;
}

function podOf(fixture: Fixture): ApiObject {
  return fixture.registry.cached(podKind, "default", "p")!.object;
}

test("a write that leaves the spec as it is shares it with the version before; one that changes it does not touch the old one", async () => {
  const fixture = await Fixture.start();
  try {
    await fixture.pod("p");
    const created = podOf(fixture);
    assert.equal(isSettled(created), true);
    await patched({ metadata: { annotations: { a: "1" } } }, "merge", "image-controller")(fixture.registry);
    assert.equal(podOf(fixture)["spec"], created["spec"]);
    await patched({ status: { phase: "Running" } }, "strategic-merge", "spherelet", "status")(fixture.registry);
    assert.equal(podOf(fixture)["spec"], created["spec"]);
    const before = JSON.stringify(created["spec"]);
    await patched({ spec: { containers: [{ name: "c", image: "nginx:2" }] } }, "strategic-merge", "kubectl")(fixture.registry);
    assert.equal(podOf(fixture)["spec"].containers[0].image, "nginx:2");
    assert.equal(JSON.stringify(created["spec"]), before);
  } finally {
    await fixture.stop();
  }
});

test("a binding does not settle a spec that was read from the store: nobody here has checked it", async () => {
  const fixture = await Fixture.start();
  try {
    await fixture.pod("p");
    let bound: ApiObject | undefined;
    await afterRestart(fixture, async (registry) => {
      await bindPod(registry, podKind, "default", "p", { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { name: "n" } }, writing("scheduler"));
      bound = registry.cached(podKind, "default", "p")?.object;
    });
    assert.deepEqual([bound?.["spec"].nodeName, isSettled(bound!)], ["n", false]);
  } finally {
    await fixture.stop();
  }
});

test("what a server shares of an object comes out as what it makes of the stored text: the object, its managed fields, the refusals", async () => {
  const name = fc.constantFrom("a", "b.example/x", "c");
  const value = fc.option(fc.constantFrom("1", "2", "not a label!"), { nil: null });
  const some = fc.dictionary(name, value, { maxKeys: 2 });
  const metadata = fc.record({ labels: some, annotations: some, finalizers: fc.subarray(["x/y", "z/w"]) }, { requiredKeys: [] });
  const condition = fc.record({ type: fc.constantFrom("Ready", "Initialized"), status: fc.constantFrom("True", "False") });
  const status = fc.record({ phase: fc.constantFrom("Pending", "Running", "Nonsense"), podIP: fc.constantFrom("10.0.0.1", "10.0.0.2"), conditions: fc.array(condition, { maxLength: 2 }) }, { requiredKeys: [] });
  const spec = fc.oneof(
    fc.record({ containers: fc.constantFrom([{ name: "c", image: "nginx:2" }], [{ name: "c", image: "" }], [{ name: "c", resources: { limits: { cpu: "0.5" } } }]) }),
    fc.record({ tolerations: fc.constant([{ key: "k", operator: "Exists" }]) }),
    fc.record({ activeDeadlineSeconds: fc.constantFrom(10, 5, "x") }),
    fc.constant({ nodeName: "other" }),
    fc.constant({}),
  );
  const manager = fc.constantFrom("one", "two");
  const type = fc.constantFrom("merge" as const, "strategic-merge" as const);
  const write: fc.Arbitrary<Write> = fc.oneof(
    fc.record({ patch: fc.record({ metadata }), type, manager }).map(({ patch, type: how, manager: who }) => patched(patch, how, who)),
    fc.record({ patch: fc.record({ metadata, status }, { requiredKeys: [] }), type, manager }).map(({ patch, type: how, manager: who }) => patched(patch, how, who, "status")),
    fc.record({ patch: fc.record({ metadata, spec }, { requiredKeys: ["spec"] }), type, manager }).map(({ patch, type: how, manager: who }) => patched(patch, how, who)),
    fc.constant<Write>((registry) => bindPod(registry, podKind, "default", "p", { apiVersion: "v1", kind: "Binding", metadata: { name: "p", annotations: { b: "1" } }, target: { name: "n" } }, writing("scheduler"))),
    fc.constant<Write>((registry) => replaceObject(registry, podKind, "default", "p", { ...registry.cached(podKind, "default", "p")!.object }, writing("replacer"))),
  );
  const body = podBody("p", { containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80 }], resources: { limits: { cpu: "1" } }, livenessProbe: { httpGet: { port: 80 } } }] }, { labels: { a: "0" } });
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 8 }), async (writes) => {
      const [sharing, whole] = await Promise.all([Fixture.start(), Fixture.start()]);
      try {
        for (const fixture of [sharing, whole]) await fixture.pod("p", body["spec"] as object, { labels: { a: "0" } });
        for (const each of writes) {
          const seen = JSON.stringify(podOf(sharing));
          const held = podOf(sharing);
          const refusal = await refusalOf(each(sharing.registry));
          assert.equal(refusal, await refusalOf(afterRestart(whole, each)));
          assert.equal(await storedText(sharing), await storedText(whole));
          assert.equal(JSON.stringify(held), seen, "a stored object was changed in place");
        }
      } finally {
        await Promise.all([sharing.stop(), whole.stop()]);
      }
    }),
    { numRuns: 60 },
  );
});
