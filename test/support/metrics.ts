import type { RestClient } from "../../src/kubernetes/rest-client.js";

/** One page of `/metrics`: samples by what stands before their value, `name{label="x"}`. */
export type Metrics = ReadonlyMap<string, number>;

/** Reads `/metrics` of a gRPC port. */
export async function metricsOf(address: string): Promise<Metrics> {
  const response = await fetch(`http://${address}/metrics`);
  if (!response.ok) throw new Error(`${address}/metrics answered ${response.status}`);
  return parsed(await response.text());
}

/** Reads `/metrics` of an API server. */
export async function apiserverMetrics(client: RestClient): Promise<Metrics> {
  return parsed(String(await client.raw("GET", "/metrics")));
}

/** What was added between two pages, without what stayed. */
export function increase(before: Metrics, after: Metrics): Metrics {
  return new Map([...after].map(([sample, value]) => [sample, value - (before.get(sample) ?? 0)] as const).filter(([, value]) => value !== 0));
}

/** Watches under way at an API server, by resource. Example: `apiserver_longrunning_requests{verb="WATCH",...,resource="pods",...} 1` is `{ pods: 1 }`. */
export function watchesAt(page: Metrics): Record<string, number> {
  const watches: Record<string, number> = {};
  for (const [sample, count] of page) {
    const resource = /^apiserver_longrunning_requests\{.*verb="WATCH".*resource="(\w+)"/.exec(sample)?.[1] ?? /^apiserver_longrunning_requests\{.*resource="(\w+)".*verb="WATCH"/.exec(sample)?.[1];
    if (resource !== undefined && count > 0) watches[resource] = (watches[resource] ?? 0) + count;
  }
  return watches;
}

function parsed(text: string): Metrics {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}
