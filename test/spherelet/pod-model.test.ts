import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Container } from "../../src/kubernetes/container.js";
import { PodHarness } from "./pod-harness.js";
import { type ModelPod, phaseAt, podAt, type Script, type Seen, stopped } from "./pod-model.js";

type Step = { readonly kind: "pass"; readonly ms: number } | { readonly kind: "spherelet" | "power" | "delete" };

const outcome = fc.oneof(fc.constantFrom<(number | "stays")[]>(0, 1, 3, "stays"));
const scripts = (names: readonly string[], probed: boolean): fc.Arbitrary<Script[]> =>
  fc.tuple(
    ...names.map((name) =>
      fc.record({
        name: fc.constant(name),
        exits: fc.array(outcome, { minLength: 1, maxLength: 3 }),
        // No whole second, so that it never exits in the moment of a probe.
        exitsAfterMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 590, max: 610 })).map((seconds) => seconds * 1000 + 300),
        sickAfterMs: probed ? fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }) : fc.constant(undefined),
        readyAfterMs: probed ? fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }) : fc.constant(undefined),
      }),
    ),
  );
const podArbitrary: fc.Arbitrary<ModelPod> = fc.record({
  policy: fc.constantFrom("Always", "OnFailure", "Never"),
  inits: fc.oneof(fc.constant([]), scripts(["i1"], false), scripts(["i1", "i2"], false)),
  sidecars: fc.oneof(fc.constant([]), scripts(["s1"], true), scripts(["s1", "s2"], true)),
  apps: fc.oneof(scripts(["a1"], true), scripts(["a1", "a2"], true)),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 700_000 })).map((ms) => ({ kind: "pass" as const, ms })) },
  { weight: 2, arbitrary: fc.constant({ kind: "spherelet" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "power" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "delete" as const }) },
);

function harnessOf(pod: ModelPod): PodHarness {
  const annotations: Record<string, string> = {};
  const container = ({ name, exits, exitsAfterMs, sickAfterMs, readyAfterMs }: Script, sidecar = false): Container => {
    annotations[`${name}.spheresim.dev/exit-code`] = exits.join(",");
    annotations[`${name}.spheresim.dev/exits-after`] = `${exitsAfterMs}ms`;
    if (sickAfterMs !== undefined) annotations[`${name}.spheresim.dev/liveness-fails-after`] = `${sickAfterMs}ms`;
    if (readyAfterMs !== undefined) annotations[`${name}.spheresim.dev/ready-after`] = `${readyAfterMs}ms`;
    return {
      name,
      image: "fake",
      ...(sidecar ? { restartPolicy: "Always" } : {}),
      ...(sickAfterMs === undefined ? {} : { livenessProbe: { tcpSocket: { port: 1 }, periodSeconds: 3, failureThreshold: 2 } }),
      ...(readyAfterMs === undefined ? {} : { readinessProbe: { grpc: { port: 1 }, periodSeconds: 5 } }),
    };
  };
  const initContainers = [...pod.sidecars.map((script) => container(script, true)), ...pod.inits.map((script) => container(script))];
  const containers = pod.apps.map((script) => container(script));
  return new PodHarness({ restartPolicy: pod.policy, initContainers, containers }, annotations);
}

/** What the API server's object says, in the model's words. */
function seenIn(harness: PodHarness, name: string): string {
  const { initContainerStatuses = [], containerStatuses = [] } = harness.pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses].find((each) => each.name === name);
  const { state, ready, restartCount, lastState } = status ?? {};
  if (state?.running !== undefined) return `running x${restartCount}${ready === true ? " ready" : ""}`;
  if (state?.terminated !== undefined) return `ended ${state.terminated.exitCode} x${restartCount}${ready === true ? " ready" : ""}`;
  return state?.waiting?.reason === "CrashLoopBackOff" ? `backoff ${lastState?.terminated?.exitCode} x${restartCount}` : "none";
}

function textOf({ kind, exitCode, restarts, ready }: Seen): string {
  if (kind === "none") return kind;
  return `${kind}${kind === "running" ? "" : ` ${exitCode}`} x${restarts}${ready ? " ready" : ""}`;
}

async function follow(pod: ModelPod, steps: readonly Step[]): Promise<void> {
  const harness = harnessOf(pod);
  const names = [...pod.sidecars, ...pod.inits, ...pod.apps].map(({ name }) => name);
  const zeroMs = harness.clock.nowMs();
  const now = (): number => harness.clock.nowMs() - zeroMs;
  let from = 0;
  let restarts = new Map<string, number>();
  let kept = new Map<string, Seen>();
  let formerStarts = 0;
  let final: ReadonlyMap<string, Seen> | undefined;
  let deleted = false;
  const model = (): ReadonlyMap<string, Seen> => final ?? podAt(pod, from, now(), restarts, kept);
  const startsIn = (seen: ReadonlyMap<string, Seen>): number => [...seen].reduce((sum, [name, { starts }]) => sum + (kept.has(name) ? 0 : starts), 0);
  try {
    await harness.boot();
    for (const each of [{ kind: "pass", ms: 0 } as const, ...steps]) {
      if (each.kind === "pass") await harness.pass(each.ms);
      if (each.kind === "spherelet") await harness.restartSpherelet();
      if (each.kind === "power") {
        const before = model();
        const isOver = /Succeeded|Failed/.test(phaseAt(pod, before, deleted));
        await harness.powerLoss();
        await harness.boot();
        formerStarts += startsIn(before);
        const hadApp = pod.apps.some(({ name }) => before.get(name)?.kind !== "none");
        if (isOver || (pod.policy === "Never" && hadApp)) {
          final = isOver ? new Map([...before].map(([name, seen]) => [name, { ...seen, starts: 0 }])) : new Map([...before].map(([name, seen]) => [name, { ...seen, ...(seen.kind === "ended" ? {} : { kind: "ended" as const, exitCode: 137 }), ready: false, over: true, starts: 0 }]));
        } else {
          from = now();
          restarts = new Map([...before].map(([name, seen]) => [name, seen.kind === "none" ? seen.restarts : seen.restarts + 1]));
          kept = new Map(pod.policy === "OnFailure" ? [...before].filter(([name, seen]) => pod.apps.some((app) => app.name === name) && seen.kind === "ended" && seen.exitCode === 0) : []);
        }
      }
      if (each.kind === "delete" && !deleted) {
        const before = model();
        const isOver = /Succeeded|Failed/.test(phaseAt(pod, before, false));
        await harness.delete(30);
        final ??= isOver ? before : new Map([...before].map(([name, seen]) => [name, stopped(seen)]));
        deleted = true;
      }
      const seen = model();
      assert.deepEqual(names.map((name) => `${name} ${seenIn(harness, name)}`), names.map((name) => `${name} ${textOf(seen.get(name) as Seen)}`), `at ${now()} ms after ${JSON.stringify(each)}`);
      assert.equal(harness.describe().split(":")[0], phaseAt(pod, seen, deleted));
      assert.equal(harness.lines.filter((line) => / Normal Started /.test(line)).length, formerStarts + startsIn(seen), "each start is told once");
      if (deleted) return;
    }
  } finally {
    await harness.close();
    assert.equal(harness.clock.waiting, 0, "nothing of the pod is left");
  }
}

test("property: a pod goes the way of its model under random outcomes, probes, losses of power, restarts of the Spherelet and deletion", async () => {
  await fc.assert(fc.asyncProperty(podArbitrary, fc.array(step, { minLength: 1, maxLength: 8 }), follow), { numRuns: 200, seed: 5, includeErrorInReport: true });
});
