import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { roomNames } from "../../src/daemon/room-name.js";
import { decodeRecord, journalPrefix } from "../../src/emulator/journal-key.js";
import type { Event } from "../../src/kubernetes/cluster-objects.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { loadPods } from "../bench/pod-load.js";
import { administrator } from "../support/administrator.js";
import { withEmulatorOn } from "../support/running-emulator.js";

test("an emulator that is stopped right after a burst of pods has every step of theirs in its journal, and every event", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "spheresim-test-"));
  try {
    const names = Array.from({ length: 40 }, (_, index) => `web-${index}`);
    await withEmulatorOn(dataDir, ["--profile", "instant", "--hosts", "2"], async ({ ready }) => {
      const client = administrator(ready);
      await loadPods(client, names, "together", () => undefined);
      await client.close();
    });
    // The store alone: no room can record anything again.
    const others = roomNames.filter((room) => room !== "etcd").join(",");
    await withEmulatorOn(dataDir, ["--without", others], async ({ ready }) => {
      const etcd = new EtcdClient({ endpoints: [ready.endpoints["etcd"] ?? ""] });
      try {
        const records = (await etcd.range({ prefix: journalPrefix })).pairs.map(({ value }) => decodeRecord(value));
        const wanted = names.flatMap((name) => Array.from({ length: 14 }, (_, index) => `${name} ${index + 1}`));
        assert.deepEqual(records.map(({ name, step }) => `${name} ${step}`).sort(), wanted.sort());
        assert.ok(records.every(({ reconstructed }) => !reconstructed));
        const events = (await etcd.range({ prefix: "/registry/events/" })).pairs.map(({ value }) => JSON.parse(value.toString()) as Event);
        const told = (reason: string): string[] => events.flatMap((event) => (event.reason === reason ? [event.involvedObject.name ?? ""] : [])).sort();
        for (const reason of ["Scheduled", "Created", "Started"]) assert.deepEqual(told(reason), names.toSorted(), reason);
      } finally {
        etcd.close();
      }
    });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
