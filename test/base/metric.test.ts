import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, ReadCounter } from "../../src/base/metric.js";

test("a counter prints its samples by labels, as Prometheus reads them", () => {
  const calls = new Counter({ name: "calls_total", help: "Calls." }, ["method", "code"]);
  calls.count("Txn", "OK");
  calls.count("Txn", "OK");
  calls.count('say "\\"', "a\nb");
  assert.equal(calls.text(), '# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{method="Txn",code="OK"} 2\ncalls_total{method="say \\"\\\\\\"",code="a\\nb"} 1\n');
});

test("a counter that somebody else keeps is read when asked for", () => {
  let commits = 1;
  const counter = new ReadCounter({ name: "commits_total", help: "Commits." }, () => commits);
  commits = 7;
  assert.equal(counter.text(), "# HELP commits_total Commits.\n# TYPE commits_total counter\ncommits_total 7\n");
});
