import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../../src/apiserver/object.js";
import { Stored, StoredText } from "../../src/apiserver/storage/stored.js";
import { fc } from "../support/properties.js";

test("an object is serialised once: what is read back is what is stored, with its version at the end of metadata", () => {
  const text = new StoredText({ kind: "Pod", metadata: { name: "a", resourceVersion: "3" }, spec: {} } as unknown as ApiObject);
  assert.equal(text.value, '{"kind":"Pod","metadata":{"name":"a"},"spec":{}}');
  const stored = text.at("k", 7);
  assert.equal(stored.json, '{"kind":"Pod","metadata":{"name":"a","resourceVersion":"7"},"spec":{}}');
  assert.equal(stored.object.metadata.resourceVersion, "7");
});

test("whatever an object holds and wherever its metadata stands, its text is that of JSON.stringify", () => {
  const member = fc.oneof(fc.string(), fc.integer(), fc.jsonValue(), fc.constant(undefined), fc.constant({ metadata: { resourceVersion: "inner" } }));
  const members = fc.array(fc.tuple(fc.string().filter((key) => key !== "metadata" && key !== "__proto__" && !/^\d+$/.test(key)), member), { maxLength: 4 });
  const metadata = fc.record({ name: fc.string(), labels: fc.dictionary(fc.string().filter((key) => key !== "__proto__"), fc.string()), resourceVersion: fc.constant("old") }, { requiredKeys: [] });
  fc.assert(
    fc.property(members, metadata, members, (before, meta, after) => {
      const object = { ...Object.fromEntries(before), metadata: meta, ...Object.fromEntries(after) } as unknown as ApiObject;
      const { resourceVersion: _, ...rest } = object.metadata;
      const text = new StoredText(object);
      assert.equal(text.value, JSON.stringify({ ...object, metadata: rest }));
      const stored = text.at("k", 9);
      assert.equal(stored.json, JSON.stringify({ ...object, metadata: { ...rest, resourceVersion: "9" } }));
      const read = Stored.fromRow({ key: "k", value: text.value, createRevision: 1, modRevision: 9 });
      assert.equal(read.json, stored.json);
      assert.deepEqual(read.object, JSON.parse(stored.json));
    }),
  );
});
