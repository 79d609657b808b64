import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectDirectory } from "../../src/base/project-files.js";
import { parseGoDuration } from "../../src/base/go-duration.js";
import type { PodSpec } from "../../src/kubernetes/pod.js";
import { PodHarness } from "./pod-harness.js";

/** A pair: what a pod is and what happens to it in, what users see out. */
export interface GoldenPod {
  readonly name: string;
  /** Page below https://kubernetes.io/docs/ that has the rule. */
  readonly rule: string;
  readonly spec: Partial<PodSpec>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the first try to resolve the image of container `web` ended with; it is there from the beginning when absent. */
  readonly imageError?: string;
  /** `5s` passes, `image-fails WHY` and `image-found` (the next try to resolve it), `config-map NAME` (somebody makes one, with `key: value`), `delete`, `delete 10` (grace), `power-loss`, `boot`, `spherelet-restart`; `conditions` and `given` show what the lines leave out. */
  readonly history: readonly string[];
  readonly lines: string;
}

export const goldenPods = (path = join(projectDirectory, "test", "spherelet", "golden-pods.yaml")): readonly GoldenPod[] => parse(readFileSync(path, "utf8")) as GoldenPod[];

/** What users see of a pod with that history. */
export async function linesOf({ spec, annotations = {}, imageError, history }: GoldenPod): Promise<readonly string[]> {
  const harness = new PodHarness(spec, annotations, imageError);
  try {
    await harness.boot();
    for (const step of history) await follow(harness, step);
    return harness.lines;
  } finally {
    await harness.close();
  }
}

async function follow(harness: PodHarness, step: string): Promise<void> {
  const [word = "", number] = step.split(" ");
  const ms = parseGoDuration(word);
  if (ms !== undefined) return harness.pass(ms);
  switch (word) {
    case "image-fails":
      return harness.resolveImage(step.slice(word.length + 1));
    case "image-found":
      return harness.resolveImage();
    case "config-map":
      return harness.makeConfigMap(number ?? "");
    case "delete":
      return harness.delete(number === undefined ? undefined : Number(number));
    case "power-loss":
      return harness.powerLoss();
    case "boot":
      return harness.boot();
    case "conditions":
      return harness.conditions();
    case "given":
      return harness.given();
    case "spherelet-restart":
      return harness.restartSpherelet();
    default:
      throw new Error(`no such step: ${step}`);
  }
}
