import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "../../src/kubernetes/resource-type.js";
import { isNetworkRealized } from "../../src/kubernetes/vsphere-pod.js";
import { eventually, settled } from "../support/eventually.js";
import { lifecycleWorld } from "./world.js";

const FAILED = "Warning FailedRealizeNSXResource nsx-container-ncp: Generic Error occurred during realizing network for Pod";
const REALIZED = "Normal SuccessfulRealizeNSXResource nsx-container-ncp: Successfully realized NSX resource for Pod";

test("a network that fails twice is tried after 1 s and 2 s, and is there at the third try", async () => {
  const world = await lifecycleWorld();
  await world.create("web", { annotations: { "spheresim.dev/network-errors": "2" } });
  const networkTold = (): readonly string[] => world.told("web").filter((text) => text.includes("nsx-container-ncp"));
  await eventually("told", () => networkTold().length === 1);
  assert.deepEqual(networkTold(), [FAILED]);
  for (const seconds of [1, 2]) {
    await eventually("the next try is set", () => world.clock.waiting === 1);
    await world.clock.advance(seconds * 1000 - 1);
    await settled();
    assert.equal(isNetworkRealized(world.pod("web")!), false, `not before ${seconds} s`);
    await world.clock.advance(1);
    await settled();
  }
  await eventually("realized", () => isNetworkRealized(world.pod("web")!));
  await eventually("told", () => networkTold().length === 2);
  assert.deepEqual(networkTold(), [FAILED, REALIZED]);
});

test("a network that always fails is mended by taking the annotation away; one that makes no sense says so", async () => {
  const world = await lifecycleWorld();
  await world.create("web", { annotations: { "spheresim.dev/network-errors": "always" } });
  await world.create("typo", { annotations: { "spheresim.dev/network-errors": "twice" } });
  await eventually("told", () => world.told("web").includes(FAILED));
  const complaint = 'Warning FailedRealizeNSXResource nsx-container-ncp: annotation spheresim.dev/network-errors "twice": must be a whole number from 1 to 1000, or always';
  await eventually("the typo is told", () => world.told("typo").includes(complaint));
  for (let tries = 0; tries < 12; tries += 1) {
    await world.clock.advance(60_000);
    await settled();
  }
  assert.equal(isNetworkRealized(world.pod("web")!), false);
  await world.annotate("web", { "spheresim.dev/network-errors": null });
  await eventually("realized, without waiting for the next try", () => isNetworkRealized(world.pod("web")!));
});

test("a small range: its size stands beside the address, it runs out as a network error, and an address that comes free goes to who waits longest", async () => {
  const world = await lifecycleWorld({ podCidr: "10.9.3.0/29" });
  const ipOf = (name: string): string | undefined => world.pod(name)?.metadata.annotations?.["spheresim.dev/pod-ip"];
  for (const name of ["a", "b", "c", "d", "e"]) {
    await world.create(name);
    await eventually(name, () => ipOf(name));
  }
  assert.equal(ipOf("a"), "10.9.3.2/29");
  for (const name of ["f", "g"]) {
    await world.create(name);
    await eventually("refused", () => world.told(name).includes(FAILED));
  }
  await world.cluster.delete(pods, { namespace: "default", name: "b" });
  await eventually("freed, without waiting for the next try", () => ipOf("f"));
  assert.deepEqual([ipOf("f"), ipOf("g")], ["10.9.3.3/29", undefined]);
  await world.create("h");
  await eventually("refused", () => world.told("h").includes(FAILED));
  for (const name of ["c", "d"]) await world.cluster.delete(pods, { namespace: "default", name });
  await eventually("two came free at once, for both who wait", () => ipOf("g") !== undefined && ipOf("h") !== undefined);
  await world.create("i");
  await eventually("refused", () => world.told("i").includes(FAILED));
  await world.cluster.delete(pods, { namespace: "default", name: "i" });
  await eventually("who is gone waits no more", () => world.clock.waiting === 0);
});
