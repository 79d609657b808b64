import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFieldSelector, matchesFieldSelector, parseFieldSelector } from "../../src/kubernetes/field-selector.js";
import { formatLabelSelector, matchesLabelSelector, matchesRequirements, parseLabelSelector, SelectorError } from "../../src/kubernetes/label-selector.js";

test("a label selector parses as its comment says", () => {
  assert.deepEqual(parseLabelSelector("app=web,tier in (front, back),!canary"), [
    { key: "app", operator: "in", values: ["web"] },
    { key: "tier", operator: "in", values: ["back", "front"] },
    { key: "canary", operator: "doesNotExist", values: [] },
  ]);
});

test("what is formatted parses back to the same", () => {
  for (const text of ["", "a", "!a", "a=b", "a!=b", "a=", "x.io/a in (b,c)", "a notin (b,c)", "a>5", "a<-3", "a=b,c!=d,e"]) {
    const requirements = parseLabelSelector(text);
    assert.equal(formatLabelSelector(requirements), text);
    assert.deepEqual(parseLabelSelector(formatLabelSelector(requirements)), requirements);
  }
});

test("matching follows Kubernetes", () => {
  const cases: [string, Record<string, string> | undefined, boolean][] = [
    ["", undefined, true],
    ["a", { a: "" }, true],
    ["a", undefined, false],
    ["!a", {}, true],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a notin (b,c)", { a: "d" }, true],
    ["a==b", { a: "b" }, true],
    ["a=", { a: "" }, true],
    ["a>5", { a: "6" }, true],
    ["a>5", { a: "six" }, false],
    ["a<5", { a: "5" }, false],
    ["constructor", {}, false],
  ];
  for (const [text, labels, wanted] of cases) assert.equal(matchesRequirements(parseLabelSelector(text), labels), wanted, text);
});

test("a selector object: empty matches all, absent none, both parts count", () => {
  assert.equal(matchesLabelSelector({}, { a: "b" }), true);
  assert.equal(matchesLabelSelector(undefined, { a: "b" }), false);
  const selector = { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In" as const, values: ["front"] }] };
  assert.equal(matchesLabelSelector(selector, { app: "web", tier: "front" }), true);
  assert.equal(matchesLabelSelector(selector, { app: "web" }), false);
});

test("what does not parse says where", () => {
  for (const [text, part] of [
    ["a in b", "'('"],
    ["a in (b", "',' or ')'"],
    ["a,", "identifier after"],
    ["a b", "in, notin"],
    ["=b", "identifier"],
    ["a>x", "must be an integer"],
    ["-a=b", "name part"],
    ["a=b c", "end of string"],
  ] as const) {
    assert.throws(() => parseLabelSelector(text), (error) => error instanceof SelectorError && error.message.includes(part), text);
  }
});

test("field selectors parse, escape, format and match", () => {
  const parsed = parseFieldSelector("spec.nodeName=esxi-01,status.phase!=Failed,metadata.name==a\\,b");
  assert.deepEqual(parsed, [
    { field: "spec.nodeName", operator: "=", value: "esxi-01" },
    { field: "status.phase", operator: "!=", value: "Failed" },
    { field: "metadata.name", operator: "=", value: "a,b" },
  ]);
  assert.equal(formatFieldSelector(parsed), "spec.nodeName=esxi-01,status.phase!=Failed,metadata.name=a\\,b");
  const values: Record<string, string> = { "spec.nodeName": "esxi-01", "metadata.name": "a,b" };
  assert.equal(matchesFieldSelector(parsed, (field) => values[field] ?? ""), true);
  assert.throws(() => parseFieldSelector("nonsense"), /invalid selector: 'nonsense'; can't understand 'nonsense'/);
});
