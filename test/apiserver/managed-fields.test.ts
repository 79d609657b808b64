import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { afterApply, afterUpdate, fieldSetOf, intersect, subtract, unite } from "../../src/apiserver/managed-fields.js";
import type { ApiObject, FieldSet } from "../../src/apiserver/object.js";
import { podBody } from "./registry-fixture.js";
import { fc } from "../support/properties.js";

const TIME = "2026-01-01T00:00:00Z";
const by = (manager: string, subresource?: string): Parameters<typeof afterUpdate>[3] => ({ manager, operation: "Update", apiVersion: "v1", time: TIME, ...(subresource ? { subresource } : {}) });

describe("managed fields", () => {
  test("the worked example", () => {
    const pod = podBody("p", {}, { labels: { app: "web" } });
    assert.deepEqual(fieldSetOf(pod, "core.Pod"), {
      "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
      "f:spec": { "f:containers": { ".": {}, 'k:{"name":"c"}': { ".": {}, "f:name": {}, "f:image": {} } } },
    });
  });

  test("list-maps, sets, atomic lists and maps", () => {
    const pod = podBody("p", { containers: [{ name: "c", command: ["a"], ports: [{ containerPort: 80 }] }], nodeSelector: { a: "b" }, tolerations: [{}] }, { finalizers: ["x"] });
    assert.deepEqual(fieldSetOf(pod, "core.Pod"), {
      "f:metadata": { "f:finalizers": { ".": {}, 'v:"x"': {} } },
      "f:spec": {
        "f:containers": { ".": {}, 'k:{"name":"c"}': { ".": {}, "f:name": {}, "f:command": {}, "f:ports": { ".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } } } },
        "f:nodeSelector": {},
        "f:tolerations": {},
      },
    });
  });

  test("a field belongs to who changed it last; what is gone belongs to nobody", () => {
    const first: ApiObject = podBody("p", {}, { annotations: { a: "1", b: "1" } });
    first.metadata.managedFields = afterUpdate(first, undefined, "core.Pod", by("kubectl"));
    const second: ApiObject = { ...first, metadata: { ...first.metadata, annotations: { b: "2", c: "1" } } };
    const entries = afterUpdate(second, first, "core.Pod", by("scheduler-extender"));
    assert.deepEqual(entries.map((entry) => [entry.manager, entry.fieldsV1["f:metadata"]]), [
      ["kubectl", { "f:annotations": { ".": {} } }],
      ["scheduler-extender", { "f:annotations": { "f:b": {}, "f:c": {} } }],
    ]);
  });

  test("who writes or applies the same again keeps his place, so that nothing changes", () => {
    const pod = podBody("p");
    pod.metadata.managedFields = afterUpdate(pod, undefined, "core.Pod", by("kubectl"));
    const after: ApiObject = { ...pod, status: { phase: "Running" } };
    after.metadata.managedFields = afterUpdate(after, pod, "core.Pod", by("spherelet", "status"));
    assert.deepEqual(after.metadata.managedFields.map((entry) => entry.manager), ["kubectl", "spherelet"]);
    assert.deepEqual(afterUpdate(after, after, "core.Pod", by("kubectl")), after.metadata.managedFields);

    const applied = { "f:metadata": { "f:labels": { "f:a": {} } } };
    const labelled: ApiObject = { ...after, metadata: { ...after.metadata, labels: { a: "1", b: "1" } } };
    const one = { ...by("one"), operation: "Apply" as const };
    const two = { ...by("two"), operation: "Apply" as const };
    const entries = afterApply(labelled, afterApply(labelled, [], "core.Pod", applied, one, undefined), "core.Pod", { "f:metadata": { "f:labels": { "f:b": {} } } }, two, undefined);
    assert.deepEqual(afterApply(labelled, entries, "core.Pod", applied, one, undefined), entries);
  });

  test("a status write has an entry of its own subresource", () => {
    const pod = podBody("p");
    pod.metadata.managedFields = afterUpdate(pod, undefined, "core.Pod", by("spherelet"));
    const after: ApiObject = { ...pod, status: { phase: "Running" } };
    const entries = afterUpdate(after, pod, "core.Pod", by("spherelet", "status"));
    assert.deepEqual(entries.map((entry) => [entry.subresource, Object.keys(entry.fieldsV1)]), [[undefined, ["f:spec"]], ["status", ["f:status"]]]);
  });

  test("sets: what loses nothing stays the very same, what is taken and what is left make the whole, and none is changed", () => {
    const { tree } = fc.letrec<{ tree: FieldSet }>((tie) => ({
      tree: fc.dictionary(fc.constantFrom("f:a", "f:b", "f:c", "."), fc.oneof({ maxDepth: 3 }, fc.constant<FieldSet>({}), tie("tree")), { maxKeys: 3 }),
    }));
    const leaves = (set: FieldSet, at = ""): string[] => Object.entries(set).flatMap(([key, inner]) => (Object.keys(inner).length === 0 ? [`${at}/${key}`] : leaves(inner, `${at}/${key}`)));
    fc.assert(
      fc.property(tree, tree, (left, right) => {
        const before = JSON.stringify([left, right]);
        const whole = Object.keys(left).length === 0 ? undefined : left;
        assert.equal(intersect(left, left), whole);
        assert.equal(subtract(left, {}), whole);
        assert.equal(subtract(left, left), undefined);
        const united = unite(left, right);
        assert.deepEqual(intersect(left, united), whole);
        const both = new Set(leaves(intersect(left, right) ?? {}));
        const rest = leaves(subtract(left, right) ?? {});
        for (const leaf of rest) assert.ok(!leaves(right).includes(leaf), leaf);
        for (const leaf of leaves(left)) assert.ok(rest.includes(leaf) || both.has(leaf), leaf);
        assert.equal(JSON.stringify([left, right]), before);
      }),
      { seed: 7 },
    );
  });

  test("an entry that loses nothing is the very one it was", () => {
    const first = podBody("p", {}, { labels: { app: "web" } });
    first.metadata.managedFields = afterUpdate(first, undefined, "core.Pod", by("kubectl"));
    const second: ApiObject = { ...first, metadata: { ...first.metadata, annotations: { ip: "10.0.0.1" } } };
    const [kept, mine] = afterUpdate(second, first, "core.Pod", by("nsx-ncp"), true);
    assert.equal(kept, first.metadata.managedFields[0]);
    assert.deepEqual(mine?.fieldsV1, { "f:metadata": { "f:annotations": { ".": {}, "f:ip": {} } } });
  });

  test("sets: union, intersection, difference", () => {
    const left = { a: { b: {}, c: {} }, d: {} };
    const right = { a: { c: {} }, e: {} };
    assert.deepEqual(unite(left, right), { a: { b: {}, c: {} }, d: {}, e: {} });
    assert.deepEqual(intersect(left, right), { a: { c: {} } });
    assert.deepEqual(subtract(left, right), { a: { b: {} }, d: {} });
    assert.equal(subtract(right, right), undefined);
  });
});
