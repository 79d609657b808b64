import type { ReadyLine } from "../../../src/base/ready-line.js";
import type { RestClient } from "../../../src/kubernetes/rest-client.js";
import { apiserverMetrics, type Metrics, metricsOf, watchesAt } from "../../support/metrics.js";

/** Streams under way, by what they follow. */
export interface Watches {
  /** At the API server, by resource. */
  readonly apiserver: Readonly<Record<string, number>>;
  /** At HostD and at the agents, by method: one stream for all hosts of a process. */
  readonly esxi: Readonly<Record<string, number>>;
}

/** Counts the watches of an emulator in which nobody but the ESXi process watches. */
export async function watchesOf(ready: ReadyLine, client: RestClient): Promise<Watches> {
  const pages = await Promise.all(["esxi", "crx"].map((room) => metricsOf(ready.endpoints[room] ?? "")));
  return { apiserver: watchesAt(await apiserverMetrics(client)), esxi: Object.assign({}, ...pages.map(atRpcServer)) as Record<string, number> };
}

/** Server streams that began and have not ended. */
function atRpcServer(page: Metrics): Record<string, number> {
  const streams: Record<string, number> = {};
  for (const [sample, count] of page) {
    const [, method] = /^grpc_server_(?:started|handled)_total\{.*grpc_method="(\w+)".*grpc_type="server_stream"/.exec(sample) ?? [];
    if (method !== undefined) streams[method] = (streams[method] ?? 0) + (sample.startsWith("grpc_server_started") ? count : -count);
  }
  return Object.fromEntries(Object.entries(streams).filter(([, count]) => count > 0));
}
