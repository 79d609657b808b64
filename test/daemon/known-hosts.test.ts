import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownHosts } from "../../src/daemon/known-hosts.js";
import { Inventory } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { withDirectory } from "../support/command.js";

const vcenterWith = (...names: string[]): Inventory => Inventory.fromPartial({ clusters: [{ name: "supervisor-01" }], hosts: names.map((name) => ({ spec: { name } })) });

test("the worked example: a host that a person removed is not added again, a new one of the inventory is", async () => {
  await withDirectory(async (directory) => {
    assert.deepEqual([...new KnownHosts(directory).removed(Inventory.create())], []);
    new KnownHosts(directory).remember(["a", "b"]);
    const removed = new KnownHosts(directory).removed(vcenterWith("a"));
    assert.deepEqual(["a", "b", "c"].filter((name) => !removed.has(name)), ["a", "c"]);
    new KnownHosts(directory).remember(["c"]);
    assert.deepEqual([...new KnownHosts(directory).removed(vcenterWith("a"))], ["b", "c"]);
  });
});

test("from a vCenter whose store is new nobody has removed anything", async () => {
  await withDirectory(async (directory) => {
    new KnownHosts(directory).remember(["a", "b"]);
    assert.deepEqual([...new KnownHosts(directory).removed(Inventory.create())], []);
  });
});
