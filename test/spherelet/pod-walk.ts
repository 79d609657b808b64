import assert from "node:assert/strict";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Container } from "../../src/kubernetes/container.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { type ModelPod, phaseAt, podAt, type Script, type Seen, stoppedPod } from "./pod-model.js";
import { fc } from "../support/properties.js";

/** What happens to a pod, one after the other. `hostd`: HostD ends and comes back. `power`: the guest is lost, and its VM boots again. */
export type Step = { readonly kind: "pass"; readonly ms: number } | { readonly kind: "spherelet" | "hostd" | "power" | "delete" };

/** A pod that can be walked along its model. */
export interface WalkedPod {
  readonly clock: { nowMs(): number };
  /** As the API server holds it. */
  readonly pod: Pod;
  /** How many starts were told of in events so far. */
  readonly startsTold: number;
  /** Whether every event reaches its reader: an agent keeps its last 32, and time here may go faster than a wire. */
  readonly tellsAll: boolean;
  pass(ms: number): Promise<void>;
  restartSpherelet(): Promise<void>;
  restartHostd(): Promise<void>;
  /** Lost and booted again. */
  losePower(): Promise<void>;
  /** Deleted, to the end. */
  delete(): Promise<void>;
  /** Resolves when the check holds; fails with its word when it will not. */
  settled(check: () => void): Promise<void>;
  close(): Promise<void>;
  /** Timers that wait; none after the end. */
  readonly waiting: number;
}

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

export const podArbitrary: fc.Arbitrary<ModelPod> = fc.record({
  policy: fc.constantFrom("Always", "OnFailure", "Never"),
  inits: fc.oneof(fc.constant([]), scripts(["i1"], false), scripts(["i1", "i2"], false)),
  sidecars: fc.oneof(fc.constant([]), scripts(["s1"], true), scripts(["s1", "s2"], true)),
  apps: fc.oneof(scripts(["a1"], true), scripts(["a1", "a2"], true)),
});

export const stepsArbitrary: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 700_000 })).map((ms) => ({ kind: "pass" as const, ms })) },
    { weight: 2, arbitrary: fc.constant({ kind: "spherelet" as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: "hostd" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "power" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "delete" as const }) },
  ),
  { minLength: 1, maxLength: 8 },
);

/** The pod of a model as users would write it. */
export function specOf(pod: ModelPod): { readonly spec: Partial<PodSpec>; readonly annotations: Readonly<Record<string, string>> } {
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
  return { spec: { restartPolicy: pod.policy, initContainers, containers: pod.apps.map((script) => container(script)) }, annotations };
}

/** What the API server's object says of a container, in the model's words. */
function seenIn({ status }: Pod, name: string): string {
  const { state, ready, restartCount, lastState } = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find((each) => each.name === name) ?? {};
  if (state?.running !== undefined) return `running x${restartCount}${ready === true ? " ready" : ""}`;
  if (state?.terminated !== undefined) return `ended ${state.terminated.exitCode} x${restartCount}${ready === true ? " ready" : ""}`;
  return state?.waiting?.reason === "CrashLoopBackOff" ? `backoff ${lastState?.terminated?.exitCode} x${restartCount}` : "none";
}

function textOf({ kind, exitCode, restarts, ready }: Seen): string {
  if (kind === "none") return kind;
  return `${kind}${kind === "running" ? "" : ` ${exitCode}`} x${restarts}${ready ? " ready" : ""}`;
}

function phaseIn({ status }: Pod): string {
  return `${status?.phase}${findCondition(status?.conditions, "Ready")?.status === "True" ? ", ready" : ""}`;
}

/** What the model remembers of a pod on its way. */
interface Memory {
  from: number;
  restarts: Map<string, number>;
  kept: Map<string, Seen>;
  formerStarts: number;
  final: ReadonlyMap<string, Seen> | undefined;
}

/** A life ends and the next begins, `now` being its start. */
function afterPowerLoss(pod: ModelPod, before: ReadonlyMap<string, Seen>, isOver: boolean, now: number, memory: Memory): void {
  const isApp = (name: string): boolean => pod.apps.some((app) => app.name === name);
  const hadApp = pod.apps.some(({ name }) => before.get(name)?.kind !== "none");
  if (isOver) memory.final = new Map([...before].map(([name, seen]) => [name, { ...seen, starts: 0 }]));
  else if (pod.policy === "Never" && hadApp) {
    memory.final = new Map([...before].map(([name, seen]) => [name, { ...seen, ...(seen.kind === "ended" ? {} : { kind: "ended" as const, exitCode: 137 }), ready: false, over: true, starts: 0 }]));
  } else {
    memory.from = now;
    memory.restarts = new Map([...before].map(([name, seen]) => [name, seen.kind === "none" ? seen.restarts : seen.restarts + 1]));
    memory.kept = new Map(pod.policy === "OnFailure" ? [...before].filter(([name, seen]) => isApp(name) && seen.kind === "ended" && seen.exitCode === 0) : []);
  }
}

/** Walks a pod along its model: after each step both must say the same of every container, of the phase, and of how often a start was told. */
export async function walk(pod: ModelPod, steps: readonly Step[], open: (spec: Partial<PodSpec>, annotations: Readonly<Record<string, string>>) => Promise<WalkedPod>): Promise<void> {
  const { spec, annotations } = specOf(pod);
  const walked = await open(spec, annotations);
  const names = [...pod.sidecars, ...pod.inits, ...pod.apps].map(({ name }) => name);
  const zeroMs = walked.clock.nowMs();
  const now = (): number => walked.clock.nowMs() - zeroMs;
  const memory: Memory = { from: 0, restarts: new Map(), kept: new Map(), formerStarts: 0, final: undefined };
  let deleted = false;
  const model = (): ReadonlyMap<string, Seen> => memory.final ?? podAt(pod, memory.from, now(), memory.restarts, memory.kept);
  const startsIn = (seen: ReadonlyMap<string, Seen>): number => [...seen].reduce((sum, [name, { starts }]) => sum + (memory.kept.has(name) ? 0 : starts), 0);
  try {
    for (const each of [{ kind: "pass", ms: 0 } as const, ...steps]) {
      if (each.kind === "pass") await walked.pass(each.ms);
      if (each.kind === "spherelet") await walked.restartSpherelet();
      if (each.kind === "hostd") await walked.restartHostd();
      if (each.kind === "power") {
        const before = model();
        await walked.losePower();
        memory.formerStarts += startsIn(before);
        afterPowerLoss(pod, before, /Succeeded|Failed/.test(phaseAt(pod, before, deleted)), now(), memory);
      }
      if (each.kind === "delete") {
        const before = model();
        const isOver = /Succeeded|Failed/.test(phaseAt(pod, before, false));
        await walked.delete();
        memory.final ??= isOver ? before : stoppedPod(pod, before);
        deleted = true;
      }
      const seen = model();
      await walked.settled(() => {
        assert.deepEqual(names.map((name) => `${name} ${seenIn(walked.pod, name)}`), names.map((name) => `${name} ${textOf(seen.get(name) as Seen)}`), `at ${now()} ms after ${JSON.stringify(each)}`);
        assert.equal(phaseIn(walked.pod), phaseAt(pod, seen, deleted));
        const starts = memory.formerStarts + startsIn(seen);
        assert.ok(walked.tellsAll ? walked.startsTold === starts : walked.startsTold <= starts, `each start is told once: ${walked.startsTold} of ${starts} at ${now()} ms after ${JSON.stringify(each)}`);
      });
      if (deleted) return;
    }
  } finally {
    await walked.close();
    assert.equal(walked.waiting, 0, "nothing of the pod is left");
  }
}
