import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { configMapKind } from "../../src/apiserver/kinds/config-map.js";
import { deploymentKind } from "../../src/apiserver/kinds/deployment.js";
import type { Kind } from "../../src/apiserver/kinds/kind.js";
import type { ApiObject } from "../../src/apiserver/object.js";
import { applyMerge, removeFields } from "../../src/apiserver/patch/apply-merge.js";
import { applyObject } from "../../src/apiserver/rest/apply.js";
import { editObject } from "../../src/apiserver/rest/update.js";
import { Fixture, writing } from "./registry-fixture.js";

describe("server-side apply", () => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await Fixture.start();
  });
  afterEach(() => fixture.stop());

  const apply = async (kind: Kind, name: string, body: object, manager: string, force = false): Promise<ApiObject> => {
    const raw = { bytes: Buffer.from(JSON.stringify({ apiVersion: kind.group === "" ? "v1" : `${kind.group}/v1`, kind: kind.kind, metadata: { name }, ...body })), contentType: "application/apply-patch+yaml" };
    return (await applyObject(fixture.registry, kind, "default", name, raw, manager, writing(manager, { force }))).stored.object;
  };

  test("creates, keeps what others set, removes what it no longer names", async () => {
    await apply(configMapKind, "c", { data: { a: "1", b: "1" } }, "one");
    await editObject(fixture.registry, configMapKind, "default", "c", (map) => ({ ...map, data: { ...map["data"], other: "x" } }), writing("two"));
    const after = await apply(configMapKind, "c", { data: { a: "2" } }, "one");
    assert.deepEqual(after["data"], { a: "2", other: "x" });
    assert.deepEqual(after.metadata.managedFields!.map((entry) => [entry.manager, entry.operation, Object.keys(entry.fieldsV1["f:data"]!)]), [["one", "Apply", [".", "f:a"]], ["two", "Update", ["f:other"]]]);
  });

  test("applying the same again writes nothing", async () => {
    await apply(configMapKind, "c", { data: { a: "1" } }, "one");
    const { revision } = fixture.backend;
    await apply(configMapKind, "c", { data: { a: "1" } }, "one");
    assert.equal(fixture.backend.revision, revision);
  });

  test("a conflict names manager and field; the same value is shared; force takes it", async () => {
    await apply(configMapKind, "c", { data: { a: "1" } }, "one");
    await apply(configMapKind, "c", { data: { a: "1" } }, "two");
    await assert.rejects(apply(configMapKind, "c", { data: { a: "2" } }, "three"), {
      code: 409,
      message: 'Apply failed with 2 conflicts: conflict with "two" using v1: .data.a\nconflict with "one" using v1: .data.a',
    });
    const after = await apply(configMapKind, "c", { data: { a: "2" } }, "three", true);
    assert.deepEqual(after["data"], { a: "2" });
    assert.deepEqual(after.metadata.managedFields!.filter((entry) => JSON.stringify(entry.fieldsV1).includes("f:a")).map((entry) => entry.manager), ["three"]);
  });

  test("containers merge by name, and go when nobody applies them any more", async () => {
    const template = (containers: object[]): object => ({ spec: { selector: { matchLabels: { a: "b" } }, template: { metadata: { labels: { a: "b" } }, spec: { containers } } } });
    await apply(deploymentKind, "d", template([{ name: "x", image: "1" }, { name: "y", image: "1" }]), "one");
    const after = await apply(deploymentKind, "d", template([{ name: "x", image: "2" }]), "one");
    assert.deepEqual(after["spec"].template.spec.containers.map((container: { name: string; image: string }) => [container.name, container.image]), [["x", "2"]]);
    assert.equal(after["spec"].replicas, 1);
  });

  test("merging and removing, as in the worked example", () => {
    const live = { spec: { containers: [{ name: "a", image: "1" }, { name: "b" }], nodeSelector: { x: "1" }, tolerations: [{ key: "t" }] } };
    const merged = applyMerge(live, { spec: { containers: [{ name: "a", image: "2" }], nodeSelector: { y: "1" }, tolerations: [] } }, "core.Pod");
    assert.deepEqual(merged, { spec: { containers: [{ name: "a", image: "2" }, { name: "b" }], nodeSelector: { y: "1" }, tolerations: [] } });
    removeFields(merged, { "f:spec": { "f:containers": { 'k:{"name":"b"}': { ".": {}, "f:name": {} } }, "f:nodeSelector": {} } }, { form: "struct", struct: "core.Pod", goName: "" });
    assert.deepEqual(merged, { spec: { containers: [{ name: "a", image: "2" }], tolerations: [] } });
  });
});
