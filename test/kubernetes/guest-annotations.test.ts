import assert from "node:assert/strict";
import { test } from "node:test";
import { GuestAnnotationError, guestAnnotationsOf, guestFateOf } from "../../src/kubernetes/guest-annotations.js";
import type { Pod } from "../../src/kubernetes/pod.js";

const NEVER = Number.POSITIVE_INFINITY;

test("the fate of a guest goes by its life; what is not said never comes", () => {
  assert.deepEqual(guestFateOf({}, 1), { panicsAfterMs: NEVER, hangsAfterMs: NEVER, hangsForMs: NEVER });
  const twice = { "guest-panics-after": "5s, 1m30s,stays", "guest-hangs-after": "10s", "guest-hangs-for": "500ms" };
  assert.deepEqual([1, 2, 3, 4].map((life) => guestFateOf(twice, life).panicsAfterMs), [5_000, 90_000, NEVER, NEVER]);
  assert.deepEqual([guestFateOf(twice, 9).hangsAfterMs, guestFateOf(twice, 9).hangsForMs], [10_000, 500]);
});

test("a pod's annotations are read by name, those of others are let be; nonsense is refused with its whole name", () => {
  const annotations = { "spheresim.dev/guest-panics-after": "5s", "spheresim.dev/exit-code": "1", "web.spheresim.dev/guest-hangs-after": "1s", "guest-hangs-after": "2s" };
  assert.deepEqual(guestAnnotationsOf({ metadata: { name: "web", annotations } } as unknown as Pod), { "guest-panics-after": "5s" });
  const wrong: readonly [Record<string, string>, RegExp][] = [
    [{ "guest-panics-after": "" }, /^annotation spheresim\.dev\/guest-panics-after "": must be a duration/],
    [{ "guest-hangs-for": "-1s" }, /guest-hangs-for "-1s": must be a duration/],
    [{ "guest-explodes": "1s" }, /guest-explodes "1s": not known; known are guest-panics-after, guest-hangs-after, guest-hangs-for$/],
  ];
  for (const [said, message] of wrong) assert.throws(() => guestFateOf(said, 1), (error) => error instanceof GuestAnnotationError && message.test(error.message));
});
