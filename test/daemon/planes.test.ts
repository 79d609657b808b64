import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/user-error.js";
import { chooseAddresses, listenersOf } from "../../src/daemon/addresses.js";
import { defaultInventory } from "../../src/daemon/inventory.js";
import { readOptions } from "../../src/daemon/options.js";
import { roomNames } from "../../src/daemon/room-name.js";
import { planesOf } from "../../src/daemon/planes.js";

const options = (flags: Record<string, unknown>, environment: Record<string, string> = {}) => readOptions({ dataDir: "/tmp/none", ...flags }, environment);

test("the worked example: a block from 7430", async () => {
  const addresses = await chooseAddresses(options({}), () => Promise.reject(new Error("not asked")));
  assert.equal(addresses.apiserver, "127.0.0.1:7437");
  assert.equal(addresses.emulator, "127.0.0.1:7431");
  assert.equal(addresses.kubeletPortBase, 7450);
});

test("standard ports are where the world expects them", async () => {
  const addresses = await chooseAddresses(options({ ports: "standard" }), () => Promise.reject(new Error("not asked")));
  assert.deepEqual([addresses.etcd, addresses.apiserver, addresses.kubeletPortBase], ["127.0.0.1:2379", "127.0.0.1:6443", 10_250]);
});

test("every room runs in exactly one process, however many there are", () => {
  for (const processes of ["one", "planes", "rooms"]) {
    const rooms = planesOf(options({ processes })).flatMap((plane) => plane.rooms);
    assert.deepEqual([...rooms].sort(), [...roomNames].sort());
  }
});

test("a real etcd takes the place of the embedded one", () => {
  const rooms = planesOf(options({ etcdEndpoints: "127.0.0.1:2379" })).flatMap((plane) => plane.rooms);
  assert.equal(rooms.includes("etcd"), false);
});

test("no two listeners share an address", async () => {
  const addresses = await chooseAddresses(options({}), () => Promise.resolve([]));
  const all = roomNames.flatMap((room) => listenersOf(room)).map((listener) => addresses[listener]);
  assert.equal(new Set(all).size, all.length);
});

test("flags go before the environment", () => {
  assert.equal(options({ hosts: "2" }, { SPHERESIM_HOSTS: "9" }).hosts, 2);
  assert.equal(options({}, { SPHERESIM_HOSTS: "9" }).hosts, 9);
});

for (const [option, flag, value] of [["hosts", "hosts", "0"], ["profile", "profile", "fast"], ["ports", "ports", "some"], ["without", "without", "kitchen"], ["seed", "seed", "-1"], ["portBase", "port-base", "70000"]] as const) {
  test(`--${flag} ${value} is refused by name`, () => {
    assert.throws(() => options({ [option]: value }), (error: unknown) => error instanceof UserError && error.kind === "usage" && error.message.startsWith(`option --${flag} "${value}": `));
  });
}

test("the worked example: four hosts in zones a, a, b, b", () => {
  assert.deepEqual(defaultInventory(4).hosts.map((host) => host.labels["topology.kubernetes.io/zone"]), ["a", "a", "b", "b"]);
});
