import assert from "node:assert/strict";
import { it } from "node:test";
import { DeadlineHeap } from "../../src/etcd/lease/deadline-heap.js";
import { fc } from "../support/properties.js";

const ALL = { items: Infinity, looks: Infinity };

it("asks a renewed item when its first time is over (the example of its comment)", () => {
  const heap = new DeadlineHeap<string>();
  const deadlines = new Map([["x", 10], ["y", 20]]);
  for (const [item, dueMs] of deadlines) heap.add(item, dueMs);
  deadlines.set("x", 30);
  const due = (nowMs: number) => heap.takeDue(nowMs, ALL, (item) => deadlines.get(item)).items;
  assert.deepEqual([due(15), heap.size, due(20), due(29), due(30), heap.size], [[], 2, ["y"], [], ["x"], 0]);
});

it("looks no further than it may, and goes on from there", () => {
  const heap = new DeadlineHeap<number>();
  for (let item = 0; item < 10; item += 1) heap.add(item, item);
  const deadlineOf = (item: number): number => (item % 2 === 0 ? 100 : item);
  assert.deepEqual(heap.takeDue(50, { items: 2, looks: 100 }, deadlineOf), { items: [1, 3], more: true });
  assert.deepEqual(heap.takeDue(50, { items: 100, looks: 3 }, deadlineOf), { items: [5], more: true });
  assert.deepEqual(heap.takeDue(50, ALL, deadlineOf), { items: [7, 9], more: false });
});

it("says what a map says that is walked from one end to the other", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("grant" as const), id: fc.nat({ max: 20 }), ms: fc.nat({ max: 50 }) }),
    fc.record({ kind: fc.constantFrom("renew" as const, "end" as const), id: fc.nat({ max: 20 }), ms: fc.nat({ max: 50 }) }),
    fc.record({ kind: fc.constantFrom("pass" as const, "sweep" as const), id: fc.constant(0), ms: fc.nat({ max: 30 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new DeadlineHeap<{ id: number; dueMs: number }>();
      const model = new Map<number, { id: number; dueMs: number }>();
      let nowMs = 0;
      const deadlineOf = (item: { id: number; dueMs: number }): number | undefined => (model.get(item.id) === item ? item.dueMs : undefined);
      for (const { kind, id, ms } of steps) {
        const item = model.get(id);
        if (kind === "grant" && item === undefined) {
          const granted = { id, dueMs: nowMs + ms };
          model.set(id, granted);
          heap.add(granted, granted.dueMs);
        } else if (kind === "renew" && item !== undefined) item.dueMs = Math.max(item.dueMs, nowMs + ms);
        else if (kind === "end") model.delete(id);
        else if (kind === "sweep") {
          heap.sweep(deadlineOf);
          assert.equal(heap.size, model.size);
        } else if (kind === "pass") {
          nowMs += ms;
          const due = [...model.values()].filter(({ dueMs }) => dueMs <= nowMs);
          const taken = heap.takeDue(nowMs, ALL, deadlineOf).items;
          assert.deepEqual([...taken].map((each) => each.id).sort((a, b) => a - b), due.map((each) => each.id).sort((a, b) => a - b));
          for (const each of taken) model.delete(each.id);
        }
      }
    }),
  );
});
