import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { EventFilter } from "../../src/gen/spheresim/vcenter/v1/event.js";
import { EventLog } from "../../src/vcenter/events/event-log.js";
import { followEvents } from "../../src/vcenter/events/event-query.js";
import { showObject } from "../../src/vcenter/inventory/inventory-view.js";
import { Inventory } from "../../src/vcenter/inventory/inventory.js";

test("who follows events of one type gets a bookmark a second while only others come, whose token is as young as the last of them", async () => {
  const monotonic = new ManualClock();
  const log = new EventLog(new ManualClock(), new Inventory(1n, showObject, new ManualClock()));
  const over = new AbortController();
  const filter = EventFilter.fromPartial({ types: ["TaskEvent"] });
  const steps = followEvents(log, { epoch: 1n, filter, resumeToken: "", signal: over.signal, monotonic, bookmarkMs: 10_000, passedBookmarkMs: 1_000 });
  const seen: string[] = [];
  const following = (async () => {
    for await (const { kind, token } of steps) seen.push(`${kind} ${token}`);
  })();
  for (let at = 1; at <= 20; at += 1) {
    await monotonic.advance(250);
    log.post("HostAddedEvent", {});
  }
  await monotonic.advance(250);
  assert.deepEqual(seen.splice(0), ["synced 1-0", "bookmark 1-4", "bookmark 1-8", "bookmark 1-12", "bookmark 1-16", "bookmark 1-20"]);
  log.post("TaskEvent", {});
  log.post("HostAddedEvent", {});
  await monotonic.advance(10_000);
  assert.deepEqual(seen, ["event 1-21", "bookmark 1-22"]);
  over.abort();
  await following;
});
