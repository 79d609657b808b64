import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Pod } from "../../src/kubernetes/pod.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { withDirectory } from "../support/command.js";
import { processOf } from "../support/process-of-room.js";
import { descendantsOf, isRunning } from "../support/process-tree.js";
import { type RunningEmulator, withEmulator, withEmulatorOn } from "../support/running-emulator.js";
import { through } from "../support/through.js";

const skip = process.platform === "linux" ? false : "reads /proc";
const SIZE = 30;

/** What was acknowledged: pods that were created, and those of them whose deletion was accepted. */
interface Acknowledged {
  readonly created: Map<string, string>;
  readonly deleted: Set<string>;
}

/**
 * Creates pods as fast as it can and deletes every third one as soon as it is there. Ends at the first error, which is the crash, or when all
 * is done.
 */
async function storm(running: RunningEmulator, round: string, acknowledged: Acknowledged): Promise<void> {
  const client = administrator(running.ready);
  try {
    await Promise.all(
      Array.from({ length: SIZE }, async (_, index) => {
        const name = `${round}-${index}`;
        const spec = { containers: [{ name: "app", image: "nginx", resources: { requests: { cpu: "50m", memory: "64Mi" } } }], terminationGracePeriodSeconds: 0 };
        const { metadata } = await client.create(pods, { metadata: { namespace: "default", name }, spec });
        acknowledged.created.set(name, metadata.uid);
        if (index % 3 !== 0) return;
        await client.delete(pods, { namespace: "default", name }, { preconditions: { uid: metadata.uid } });
        acknowledged.deleted.add(name);
      }),
    );
  } finally {
    await client.close();
  }
}

/** Every acknowledged pod runs as the object it was, or is gone as was acknowledged; and the two control planes agree. */
async function everythingHolds(running: RunningEmulator, acknowledged: Acknowledged): Promise<void> {
  const client = administrator(running.ready);
  try {
    await through(async () => {
      const { items } = await client.list(pods, { namespace: "default" });
      const byName = new Map(items.map((pod): [string, Pod] => [pod.metadata.name, pod]));
      for (const [name, uid] of acknowledged.created) {
        const pod = byName.get(name);
        // A deletion that was under way when the power went may or may not have been taken.
        if (acknowledged.deleted.has(name)) assert.notEqual(pod?.metadata.uid, uid, `${name} was deleted`);
        else if (Number(name.split("-")[1]) % 3 !== 0) assert.equal(pod?.metadata.uid, uid, `${name} was created`);
      }
      for (const pod of items) assert.equal(pod.status?.phase, "Running", `${pod.metadata.name}: ${JSON.stringify(pod.status)} ${running.stderr().slice(-1_000)}`);
    });
    // What a crash leaves behind of pods that are gone: holds run out after 30 s, VMs are swept when they are 30 s old.
    const { violations } = await through(() => running.emulator.checkInvariants({ settle: { seconds: 60n, nanos: 0 } }));
    assert.deepEqual(violations, []);
  } finally {
    await client.close();
  }
}

test("kill -9 of the whole daemon in a storm of placements: nothing acknowledged is lost, nothing runs twice", { skip }, async () => {
  await withDirectory(async (dataDir) => {
    const acknowledged: Acknowledged = { created: new Map(), deleted: new Set() };
    // Early, when most pods are only objects, and later, when most have a VM.
    for (const [round, minimum] of [["early", 5], ["late", 25]] as const) {
      await withEmulatorOn(dataDir, ["--log-level", "error"], async (running) => {
        const ended = once(running.process, "exit");
        const crash = storm(running, round, acknowledged).catch(() => undefined);
        await through(() => {
          const count = [...acknowledged.created.keys()].filter((name) => name.startsWith(round)).length;
          assert.ok(count >= minimum);
          return Promise.resolve();
        });
        const daemon = running.process.pid ?? -1;
        for (const pid of [daemon, ...descendantsOf(daemon)]) process.kill(pid, "SIGKILL");
        await Promise.all([ended, crash]);
      });
    }
    assert.ok(acknowledged.created.size >= 30);
    await withEmulatorOn(dataDir, ["--log-level", "error"], (running) => everythingHolds(running, acknowledged));
  });
});

test("kill -9 of the daemon alone: its processes end with it, and the next one starts on the directory", { skip }, async () => {
  await withDirectory(async (dataDir) => {
    const acknowledged: Acknowledged = { created: new Map(), deleted: new Set() };
    await withEmulatorOn(dataDir, ["--log-level", "error"], async (running) => {
      const daemon = running.process.pid ?? -1;
      const planes = descendantsOf(daemon);
      assert.ok(planes.length >= 4);
      await storm(running, "alone", acknowledged);
      running.process.kill("SIGKILL");
      await through(() => {
        assert.deepEqual(planes.filter(isRunning), []);
        return Promise.resolve();
      });
    });
    await withEmulatorOn(dataDir, ["--log-level", "error"], (running) => everythingHolds(running, acknowledged));
  });
});

test("up starts a plane again that was killed, each of them once in a storm", { skip }, async () => {
  await withEmulator(["--log-level", "error"], async (running) => {
    const acknowledged: Acknowledged = { created: new Map(), deleted: new Set() };
    const daemon = running.process.pid ?? -1;
    for (const plane of ["store", "vsphere", "esxi", "kubernetes"]) {
      const before = processOf(daemon, plane);
      assert.ok(before !== undefined, `no process runs ${plane}`);
      const crash = storm(running, plane, acknowledged).catch(() => undefined);
      await through(() => {
        assert.ok([...acknowledged.created.keys()].some((name) => name.startsWith(plane)));
        return Promise.resolve();
      });
      process.kill(before, "SIGKILL");
      await crash;
      await through(() => {
        const now = processOf(daemon, plane);
        assert.ok(now !== undefined && now !== before, `${plane} is not back`);
        return Promise.resolve();
      });
    }
    await everythingHolds(running, acknowledged);
    assert.equal(running.process.exitCode, null);
  });
});
