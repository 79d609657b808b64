import assert from "node:assert/strict";
import { test } from "node:test";
import { PodWatch } from "../../src/crx/pod-watch.js";
import { container, isFault, MachineFixture, podRequest, uuid, words } from "./machine-fixture.js";

test("a guest boots, waits for its personality, boots its agent; an instance without one has no agent", async () => {
  const fixture = new MachineFixture({ initMs: 40, agentMs: 60, containerStartMs: 0 });
  fixture.boot();
  await fixture.clock.advance(39);
  assert.equal(fixture.words.length, 0);
  await fixture.clock.advance(1);
  const guest = { uuid, powerOnCount: 1 };
  assert.deepEqual(fixture.words, [{ $case: "initWaiting", value: { guest } }]);
  assert.throws(() => fixture.instance.pod(), isFault("hostNotReachable"));
  fixture.personalize();
  await fixture.clock.advance(60);
  assert.deepEqual(fixture.words.at(-1), { $case: "agentReady", value: { guest, agentAddress: "127.0.0.1:9" } });
  assert.deepEqual([fixture.instance.pod().podUid, fixture.instance.pod().containers], ["", []]);
  // Orders said twice are answered twice, and done once.
  fixture.boot();
  fixture.personalize();
  assert.equal(fixture.words.filter((word) => word.$case === "agentReady").length, 3);
});

test("a new life of a VM replaces the old one; orders for another life are ignored", async () => {
  const fixture = new MachineFixture();
  const old = await fixture.agent();
  await old.startPod(podRequest({}));
  fixture.kill(7);
  fixture.personalize(2);
  assert.equal(fixture.instance, old);
  fixture.boot(2);
  await fixture.clock.advance(0);
  assert.notEqual(fixture.instance, old);
  assert.throws(() => old.pod(), isFault("hostNotReachable"));
  assert.deepEqual(fixture.machine.guestsOf(fixture.say), [{ uuid, powerOnCount: 2 }]);
  fixture.kill(2);
  assert.equal(fixture.machine.instance(uuid), undefined);
});

test("without power nothing runs on and nobody is told of it", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  await agent.startPod(podRequest({ containers: [container("a", "busybox", "sleep", "100"), container("b", "busybox", "false")] }));
  const stop = agent.stopPod(podRequest({}).podUid, 60_000);
  fixture.kill();
  await assert.rejects(stop, isFault("hostNotReachable"));
  assert.equal(fixture.clock.waiting, 0);
  assert.equal(fixture.words.some((word) => word.$case === "died"), false);
});

test("a panic is told to the VMkernel", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  agent.die("kernel panic");
  assert.deepEqual(fixture.words.at(-1), { $case: "died", value: { guest: { uuid, powerOnCount: 1 }, reason: "kernel panic" } });
});

test("when the channel is back every guest of that host says again how far it is", async () => {
  const fixture = new MachineFixture();
  await fixture.agent();
  fixture.words.length = 0;
  fixture.machine.announce(() => undefined);
  assert.equal(fixture.words.length, 0);
  fixture.machine.announce(fixture.say);
  assert.deepEqual(fixture.words.map((word) => word.$case), ["agentReady"]);
});

test("a watch shows each instance's last state, and its end", async () => {
  const fixture = new MachineFixture();
  const agent = await fixture.agent();
  await agent.startPod(podRequest({}));
  const watch = new PodWatch(fixture.machine, "");
  const elsewhere = new PodWatch(fixture.machine, "420d0000-0000-4000-8000-00000000000f");
  const first = watch.next();
  assert.equal(words(first?.pod?.containers[0]), "web running");
  assert.equal(watch.next(), undefined);
  const stopped = await agent.stopPod(podRequest({}).podUid, 0);
  assert.ok(stopped.revision > (first?.pod?.revision ?? 0n));
  await watch.wait(new AbortController().signal);
  assert.equal(words(watch.next()?.pod?.containers[0]), "web terminated Completed 0");
  // Gone and back before the reader looks: it still hears that the pod is gone.
  fixture.kill();
  fixture.boot(2);
  assert.deepEqual(watch.next(), { vmUuid: uuid, pod: undefined, synced: false });
  assert.equal(watch.next(), undefined);
  assert.equal(elsewhere.next(), undefined);
  const over = new AbortController();
  const waiting = watch.wait(over.signal);
  over.abort();
  await waiting;
  watch.close();
  elsewhere.close();
});
