import assert from "node:assert/strict";
import { test } from "node:test";
import { Ahead } from "../../src/apiserver/storage/ahead.js";
import type { Row } from "../../src/apiserver/storage/backend.js";
import { StoredText } from "../../src/apiserver/storage/stored.js";

function textOf(label: string): StoredText {
  return new StoredText({ apiVersion: "v1", kind: "Pod", metadata: { name: "a", labels: { label } } });
}

function rowOf(text: StoredText, modRevision: number): Row {
  return { key: "k", value: text.value, createRevision: 1, modRevision };
}

test("the worked example: each version of a key is known by its revision until the watch has passed it", () => {
  const ahead = new Ahead();
  const [first, second] = [textOf("1"), textOf("2")];
  ahead.learn("k", { revision: 5, object: first.at("k", 5) });
  ahead.learn("k", { revision: 7, object: second.at("k", 7) });
  assert.equal(ahead.newest("k")?.object, second.at("k", 7));
  assert.equal(ahead.objectOf(rowOf(first, 5)), first.at("k", 5));
  ahead.passed("k", 5);
  assert.equal(ahead.objectOf(rowOf(first, 5)), undefined);
  assert.deepEqual([...ahead.under("k")], [second.at("k", 7)]);
  ahead.passed("k", 7);
  assert.equal(ahead.newest("k"), undefined);
});

test("a text that is being written is known before the store answers; another writer's is not", () => {
  const ahead = new Ahead();
  const [mine, foreign] = [textOf("mine"), textOf("foreign")];
  ahead.writing("k", mine);
  assert.equal(ahead.objectOf(rowOf(foreign, 8)), undefined);
  assert.equal(ahead.objectOf(rowOf(mine, 9)), mine.at("k", 9));
  ahead.answered("k", mine);
  assert.equal(ahead.objectOf(rowOf(mine, 9)), undefined);
});

test("a key that is written faster than the watch brings it keeps its newest versions alone", () => {
  const ahead = new Ahead();
  const texts = Array.from({ length: 40 }, (_, index) => textOf(String(index)));
  texts.forEach((text, index) => ahead.learn("k", { revision: index + 1, object: text.at("k", index + 1) }));
  assert.equal(ahead.objectOf(rowOf(texts[0]!, 1)), undefined);
  assert.equal(ahead.objectOf(rowOf(texts[39]!, 40)), texts[39]!.at("k", 40));
  ahead.passedAll(39);
  assert.equal(ahead.newest("k")?.revision, 40);
  ahead.passedAll(40);
  assert.equal(ahead.newest("k"), undefined);
});
