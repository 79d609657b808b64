import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyJsonPatch } from "../../src/apiserver/patch/json-patch.js";
import { mergePatch } from "../../src/apiserver/patch/merge-patch.js";
import { strategicMergePatch } from "../../src/apiserver/patch/strategic-merge.js";

const pod = (spec: object): Record<string, unknown> => ({ spec });
const patched = (before: object, patch: object): unknown => strategicMergePatch(pod(before), pod(patch), "core.Pod")["spec"];

describe("strategic merge patch", () => {
  test("merges containers by name and keeps what the patch does not name", () => {
    assert.deepEqual(patched({ containers: [{ name: "a", image: "1", tty: true }, { name: "b", image: "1" }] }, { containers: [{ name: "a", image: "2" }] }), {
      containers: [{ name: "a", image: "2", tty: true }, { name: "b", image: "1" }],
    });
  });

  test("deletes by $patch: delete and replaces by $patch: replace", () => {
    assert.deepEqual(patched({ containers: [{ name: "a" }, { name: "b" }] }, { containers: [{ name: "a", $patch: "delete" }] }), { containers: [{ name: "b" }] });
    assert.deepEqual(patched({ containers: [{ name: "a" }, { name: "b" }] }, { containers: [{ name: "c" }, { $patch: "replace" }] }), { containers: [{ name: "c" }] });
    assert.deepEqual(patched({ securityContext: { runAsUser: 1, fsGroup: 2 } }, { securityContext: { $patch: "replace", fsGroup: 3 } }), { securityContext: { fsGroup: 3 } });
  });

  test("replaces lists without a merge key (tolerations, command)", () => {
    assert.deepEqual(patched({ tolerations: [{ key: "a" }] }, { tolerations: [{ key: "b" }] }), { tolerations: [{ key: "b" }] });
    assert.deepEqual(patched({ containers: [{ name: "a", command: ["x", "y"] }] }, { containers: [{ name: "a", command: ["z"] }] }), { containers: [{ name: "a", command: ["z"] }] });
  });

  test("orders by $setElementOrder; what only the server has keeps its place", () => {
    const before = { containers: [{ name: "a" }, { name: "x" }, { name: "b" }] };
    const patch = { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "b", image: "2" }] };
    assert.deepEqual(patched(before, patch), { containers: [{ name: "x" }, { name: "b", image: "2" }, { name: "a" }] });
  });

  test("keeps only $retainKeys of a union: a volume changes its source", () => {
    assert.deepEqual(patched({ volumes: [{ name: "v", emptyDir: {} }] }, { volumes: [{ $retainKeys: ["configMap", "name"], name: "v", configMap: { name: "c" } }] }), {
      volumes: [{ name: "v", configMap: { name: "c" } }],
    });
  });

  test("adds and removes scalars of a set: finalizers", () => {
    const before = { metadata: { finalizers: ["a", "b"] } };
    assert.deepEqual(strategicMergePatch(before, { metadata: { finalizers: ["c"], "$deleteFromPrimitiveList/finalizers": ["a"] } }, "core.Pod"), { metadata: { finalizers: ["b", "c"] } });
  });

  test("null deletes, new objects lose their directives", () => {
    assert.deepEqual(patched({ hostname: "h", subdomain: "s" }, { hostname: null, affinity: { $patch: "replace", podAffinity: null, nodeAffinity: {} } }), { subdomain: "s", affinity: { nodeAffinity: {} } });
  });

  test("changes nothing of its input", () => {
    const before = pod({ containers: [{ name: "a", env: [{ name: "E", value: "1" }] }] });
    const copy = structuredClone(before);
    strategicMergePatch(before, pod({ containers: [{ name: "a", env: [{ name: "E", value: "2" }] }] }), "core.Pod");
    assert.deepEqual(before, copy);
  });

  test("refuses an item without its key and an unknown directive", () => {
    assert.throws(() => patched({ containers: [] }, { containers: [{ image: "x" }] }), /does not contain declared merge key: name/);
    assert.throws(() => patched({}, { securityContext: { $patch: "explode" } }), { code: 400 });
  });
});

describe("the other patches", () => {
  test("JSON merge patch (the table of RFC 7386)", () => {
    for (const [target, patch, result] of [
      [{ a: "b" }, { a: "c" }, { a: "c" }],
      [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
      [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
      [{ a: ["b"] }, { a: "c" }, { a: "c" }],
      [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
      [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [[1, 2], { a: "b", c: null }, { a: "b" }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ]) {
      assert.deepEqual(mergePatch(target, patch), result);
    }
  });

  test("JSON patch; a failed test is 422, a wrong shape 400", () => {
    assert.deepEqual(applyJsonPatch({ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }]), { a: [1, 2] });
    assert.throws(() => applyJsonPatch({ a: 1 }, [{ op: "test", path: "/a", value: 2 }]), { code: 422 });
    assert.throws(() => applyJsonPatch({ a: 1 }, [{ op: "remove", path: "/b" }]), { code: 422 });
    assert.throws(() => applyJsonPatch({ a: 1 }, { op: "remove" }), { code: 400 });
    assert.throws(() => applyJsonPatch({ a: 1 }, [{ op: "shout", path: "/a" }]), { code: 400 });
  });
});
