import { test } from "node:test";
import { PodHarness } from "./pod-harness.js";
import { podArbitrary, stepsArbitrary, walk } from "./pod-walk.js";
import { WirePod } from "./wire-pod.js";
import { fc } from "../support/properties.js";

/** `SPHERESIM_MODEL_RUNS=20000 SPHERESIM_MODEL_SEED=7 npm test -- pod-model` walks further, and elsewhere. */
const runs = (usual: number): number => Number(process.env["SPHERESIM_MODEL_RUNS"] ?? usual);
const seed = Number(process.env["SPHERESIM_MODEL_SEED"] ?? 5);

test("property: a pod goes the way of its model under random outcomes, probes, losses of power, restarts of the Spherelet and deletion", async () => {
  await fc.assert(
    fc.asyncProperty(podArbitrary, stepsArbitrary, (pod, steps) =>
      walk(pod, steps, async (spec, annotations) => {
        const harness = new PodHarness(spec, annotations);
        await harness.boot();
        return harness;
      }),
    ),
    { numRuns: runs(200), seed, includeErrorInReport: true },
  );
});

test("property: the same over the wire, where HostD ends and comes back too", async () => {
  await fc.assert(
    fc.asyncProperty(podArbitrary, stepsArbitrary, (pod, steps) => walk(pod, steps, (spec, annotations) => WirePod.open(spec, annotations))),
    { numRuns: Math.ceil(runs(250) / 10), seed, includeErrorInReport: true, endOnFailure: true },
  );
});
