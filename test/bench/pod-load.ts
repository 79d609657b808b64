import { monotonicClock } from "../../src/base/clock.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";

const clock = monotonicClock();
const limitMs = 300_000;

/** What became of pods that were created together. */
export interface PodLoad {
  /** From the first create to the last Running. */
  readonly totalMs: number;
  /** Of each pod, from its create call to the watch event that says Running. */
  readonly createToRunningMs: readonly number[];
}

function runs(pod: Pod): boolean {
  return pod.status?.phase === "Running";
}

/**
 * Creates pods, all at once or one after the other, and waits by watch until all run, or are as `isThere` wants them. Throws when they
 * do not within five minutes.
 */
export async function loadPods(client: RestClient, names: readonly string[], order: "together" | "one-by-one", progress: (running: number) => void, isThere = runs): Promise<PodLoad> {
  const startedMs = new Map<string, number>();
  const ranMs = new Map<string, number>();
  const wake = new Map<string, () => void>();
  const limit = AbortSignal.timeout(limitMs);
  const { metadata } = await client.list(pods);
  const follow = async (): Promise<void> => {
    for await (const event of client.watch(pods, { resourceVersion: metadata.resourceVersion, signal: limit })) {
      if (event.type === "BOOKMARK" || !isThere(event.object)) continue;
      const { name } = event.object.metadata;
      if (!startedMs.has(name) || ranMs.has(name)) continue;
      ranMs.set(name, clock.nowMs());
      wake.get(name)?.();
      progress(ranMs.size);
      if (ranMs.size === names.length) return;
    }
    throw new Error(`${ranMs.size} of ${names.length} pods ran within ${limitMs / 1000} s`);
  };
  const create = (name: string): Promise<unknown> => {
    startedMs.set(name, clock.nowMs());
    return client.create(pods, { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "app", image: "nginx", resources: { requests: { cpu: "50m", memory: "64Mi" } } }] } });
  };
  const fromMs = clock.nowMs();
  const all = follow();
  const created = async (): Promise<void> => {
    if (order === "together") await Promise.all(names.map(create));
    else {
      for (const name of names) {
        const ran = new Promise<void>((resolve) => wake.set(name, resolve));
        await create(name);
        await Promise.race([ran, all]);
      }
    }
  };
  await Promise.all([created(), all]);
  return { totalMs: clock.nowMs() - fromMs, createToRunningMs: names.map((name) => (ranMs.get(name) ?? Number.NaN) - (startedMs.get(name) ?? Number.NaN)) };
}
