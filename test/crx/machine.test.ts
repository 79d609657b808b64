import assert from "node:assert/strict";
import { test } from "node:test";
import type { CrxInstance } from "../../src/crx/crx-instance.js";
import { PodChanges } from "../../src/crx/pods/pod-changes.js";
import { PodWatch } from "../../src/crx/pods/pod-watch.js";
import { PodContainers, RestartPolicy } from "../../src/gen/spheresim/crx/v1/agent.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
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

/** What a watch has to tell now: kind, containers, token. */
function told(watch: PodWatch): readonly (readonly [kind: string, containers: string, token: string])[] {
  return [...watch.pending()].map(({ kind, pod, resumeToken }) => [UpdateKind[kind] ?? "", pod?.containers.map(words).join() ?? "", resumeToken.replace(/^\w+/, "")]);
}

test("a watch tells what is there, SYNCED, each instance's last state and its end; others' changes pass", async () => {
  const fixture = new MachineFixture();
  const { changes } = fixture.machine;
  const agent = await fixture.agent();
  await agent.startPod(podRequest({}));
  const watch = new PodWatch(changes, { vmUuid: "", resumeToken: "" });
  const elsewhere = new PodWatch(changes, { vmUuid: "420d0000-0000-4000-8000-00000000000f", resumeToken: "" });
  const began = changes.revision;
  assert.deepEqual(told(watch), [["ENTER", "web running", ""], ["SYNCED", "", `.${began}`]]);
  assert.deepEqual(told(elsewhere), [["SYNCED", "", `.${began}`]]);
  assert.deepEqual(told(watch), []);
  const stopped = await agent.stopPod(podRequest({}).podUid, 0);
  assert.ok(stopped.revision > began);
  await watch.wait(new AbortController().signal);
  assert.deepEqual(told(watch), [["MODIFY", "web terminated Completed 0", `.${stopped.revision}`]]);
  // Gone and back before the reader looks: it still hears that the pod is gone.
  fixture.kill();
  fixture.boot(2);
  assert.deepEqual(told(watch).map(([kind]) => kind), ["LEAVE"]);
  assert.deepEqual(told(watch), []);
  assert.deepEqual(told(elsewhere), []);
  const over = new AbortController();
  const waiting = watch.wait(over.signal);
  over.abort();
  await waiting;
});

test("a watch goes on at its token: what changed, what came, what is gone; a token of nowhere is too old", async () => {
  const fixture = new MachineFixture();
  const { changes } = fixture.machine;
  const agent = await fixture.agent();
  const before = changes.token(changes.revision);
  const resumed = (resumeToken: string, vmUuid = ""): readonly string[] => told(new PodWatch(changes, { vmUuid, resumeToken })).map(([kind, pod]) => `${kind} ${pod}`.trim());
  assert.deepEqual(resumed(before), ["SYNCED"]);
  await agent.startPod(podRequest({}));
  assert.deepEqual(resumed(before), ["MODIFY web running", "SYNCED"]);
  assert.deepEqual(resumed(changes.token(0n)), ["ENTER web running", "SYNCED"]);
  fixture.kill();
  assert.deepEqual(resumed(before), ["LEAVE", "SYNCED"]);
  assert.deepEqual(resumed(changes.token(0n)), ["LEAVE", "SYNCED"], "it came and went: somebody may wait for it");
  assert.deepEqual(resumed(""), ["SYNCED"]);
  for (const token of ["elsewhere.1", changes.token(changes.revision + 1n), "nonsense"]) assert.throws(() => resumed(token), isFault("invalidCollectorVersion"));
});

test("what is gone is told of up to a limit; a token from before is too old", () => {
  const changes = new PodChanges("process", 1);
  const instance = (uuid: string): CrxInstance => ({ uuid, revision: changes.nextRevision(), shown: () => PodContainers.create() }) as CrxInstance;
  for (const uuid of ["a", "b"]) changes.changed(instance(uuid));
  assert.deepEqual(told(new PodWatch(changes, { vmUuid: "", resumeToken: "process.1" })).map(([kind]) => kind), ["ENTER", "SYNCED"]);
  changes.gone("a");
  changes.gone("b");
  assert.throws(() => changes.position("process.2"), isFault("invalidCollectorVersion"));
  assert.equal(changes.position("process.3"), 3n);
  assert.deepEqual([...changes.after(0n)].map((change) => change.uuid), ["b"]);
});

test("a watch of one VM hears how far it is after 500 changes of others", async () => {
  const fixture = new MachineFixture();
  const { changes } = fixture.machine;
  const agent = await fixture.agent();
  const elsewhere = new PodWatch(changes, { vmUuid: "420d0000-0000-4000-8000-00000000000f", resumeToken: "" });
  assert.equal(told(elsewhere).length, 1);
  const marks: string[] = [];
  for (let change = 0; change < 1_000; change += 1) {
    changes.changed({ uuid: agent.uuid, revision: changes.nextRevision() } as CrxInstance);
    marks.push(...told(elsewhere).map(([kind]) => kind));
  }
  assert.deepEqual(marks, ["BOOKMARK", "BOOKMARK"]);
});

test("a guest that hangs does not beat, answer or tell of anything; then it answers what it was asked", async () => {
  const fixture = new MachineFixture();
  const { changes } = fixture.machine;
  const agent = await fixture.agent();
  const before = changes.token(changes.revision);
  await agent.startPod(podRequest({ containers: [container("web", "busybox", "sleep", "15")], restartPolicy: RestartPolicy.NEVER, guestAnnotations: { "guest-hangs-after": "10s", "guest-hangs-for": "20s" } }));
  assert.equal(fixture.machine.beatingGuestsOf(fixture.say).length, 1);
  const watch = new PodWatch(changes, { vmUuid: "", resumeToken: "" });
  assert.deepEqual(told(watch).map(([kind, pod]) => `${kind} ${pod}`.trim()), ["ENTER web running", "SYNCED"]);
  await fixture.clock.advance(10_000);
  assert.equal(fixture.machine.beatingGuestsOf(fixture.say).length, 0);
  assert.deepEqual(fixture.machine.guestsOf(fixture.say).length, 1, "it runs all the same");
  fixture.words.length = 0;
  fixture.machine.announce(fixture.say);
  assert.deepEqual(fixture.words, []);
  const caller = new AbortController();
  let answered = false;
  const asked = agent.awake(caller.signal).then(() => void (answered = true));
  const gaveUp = new AbortController();
  const impatient = assert.rejects(agent.awake(gaveUp.signal), /gave up/);
  gaveUp.abort(new Error("gave up"));
  await impatient;
  await fixture.clock.advance(19_000);
  assert.deepEqual([told(watch), answered], [[], false], "its container ended, but nobody is told");
  assert.deepEqual(told(new PodWatch(changes, { vmUuid: "", resumeToken: before })).map(([kind, pod]) => `${kind} ${pod}`.trim()), ["MODIFY web running", "SYNCED"]);
  await fixture.clock.advance(1_000);
  await asked;
  assert.deepEqual(told(watch).map(([kind, pod]) => `${kind} ${pod}`), ["MODIFY web terminated Completed 0"]);
  assert.equal(fixture.machine.beatingGuestsOf(fixture.say).length, 1);
});

test("a guest panics when its pod says so, by the number of its life; a power-off before leaves no timer", async () => {
  const fixture = new MachineFixture();
  const guestAnnotations = { "guest-panics-after": "5s,stays" };
  await (await fixture.agent()).startPod(podRequest({ guestAnnotations }));
  await fixture.clock.advance(5_000);
  assert.deepEqual(fixture.words.at(-1), { $case: "died", value: { guest: { uuid, powerOnCount: 1 }, reason: "Kernel panic - not syncing: asked for by annotation spheresim.dev/guest-panics-after" } });
  assert.equal(fixture.machine.instance(uuid), undefined);
  fixture.boot(2);
  await fixture.clock.advance(0);
  fixture.personalize(2);
  await fixture.clock.advance(0);
  await fixture.instance.startPod(podRequest({ guestAnnotations }));
  await fixture.clock.advance(3_600_000);
  assert.equal(fixture.instance.beats, true);
  fixture.kill(2);
  fixture.boot(1);
  await fixture.clock.advance(0);
  fixture.personalize(1);
  await fixture.clock.advance(0);
  await fixture.instance.startPod(podRequest({ guestAnnotations }));
  fixture.kill(1);
  assert.equal(fixture.clock.waiting, 0);
});

test("an annotation of the guest that makes no sense is refused by name", async () => {
  const agent = await new MachineFixture().agent();
  for (const [name, text] of [["guest-panics-after", "soon"], ["guest-hangs-after", "1s,,2s"], ["guest-explodes", "1s"]] as const) {
    await assert.rejects(agent.startPod(podRequest({ guestAnnotations: { [name]: text } })), isFault("invalidArgument", `guest_annotations.${name}`));
  }
});
