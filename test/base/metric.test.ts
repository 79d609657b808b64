import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Histogram, ReadCounter, ReadGauge } from "../../src/base/metric.js";

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

test("a gauge with labels has a sample each, a cell in hand counts for its counter", () => {
  const gauge = new ReadGauge({ name: "id", help: "Who." }, () => [{ labels: { server_id: "ab" }, value: 1 }]);
  assert.equal(gauge.text(), '# HELP id Who.\n# TYPE id gauge\nid{server_id="ab"} 1\n');
  const calls = new Counter({ name: "calls_total", help: "Calls." }, ["method"]);
  const cell = calls.cell("Put");
  assert.equal(calls.text().split("\n")[2], 'calls_total{method="Put"} 0');
  cell.add();
  cell.add(4);
  calls.count("Put");
  assert.equal(calls.text().split("\n")[2], 'calls_total{method="Put"} 6');
});

test("a histogram counts what is not larger than each bound", () => {
  const seconds = new Histogram({ name: "seconds", help: "Time." }, [1, 2]);
  for (const value of [0.5, 1.5]) seconds.observe(value);
  assert.equal(seconds.text(), '# HELP seconds Time.\n# TYPE seconds histogram\nseconds_bucket{le="1"} 1\nseconds_bucket{le="2"} 2\nseconds_bucket{le="+Inf"} 2\nseconds_sum 2\nseconds_count 2\n');
  seconds.observe(3);
  assert.match(seconds.text(), /le="2"\} 2\nseconds_bucket\{le="\+Inf"\} 3/);
});
