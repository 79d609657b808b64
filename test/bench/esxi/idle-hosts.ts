import { monotonicClock } from "../../../src/base/clock.js";
import type { ReadyLine } from "../../../src/base/ready-line.js";
import { administrator } from "../../support/administrator.js";
import { apiserverMetrics, increase, type Metrics } from "../../support/metrics.js";
import type { ByProcess } from "../figures.js";
import { cpuSince, processUses } from "../process-use.js";

/** What hosts without pods cost. */
export interface IdleHosts {
  readonly hosts: number;
  readonly seconds: number;
  /** Per cent of one core. */
  readonly cpuPercent: ByProcess;
  readonly residentMb: ByProcess;
  /** Requests the API server answered a second, by verb and resource. */
  readonly requestsPerSecond: Readonly<Record<string, number>>;
  /** CPU of a renewal, if a process did nothing else. */
  readonly cpuMsPerRenewal: ByProcess;
}

/** Nodes are registered, leases made, code warm. */
const settleMs = 20_000;

/** Watches hosts that have nothing to do. */
export async function measureIdleHosts(ready: ReadyLine, hosts: number, seconds: number, say: (line: string) => void): Promise<IdleHosts> {
  const clock = monotonicClock();
  const client = administrator(ready);
  try {
    await clock.sleep(settleMs);
    const [before, countsBefore, fromMs] = [processUses(ready), await apiserverMetrics(client), clock.nowMs()];
    say(`idle: ${hosts} hosts for ${seconds} s`);
    await clock.sleep(seconds * 1000);
    const [after, counts] = [processUses(ready), increase(countsBefore, await apiserverMetrics(client))];
    const tookSeconds = (clock.nowMs() - fromMs) / 1000;
    const requests = byVerbAndResource(counts);
    const renewals = requests["PATCH leases"] ?? Number.NaN;
    return {
      hosts,
      seconds: tookSeconds,
      cpuPercent: cpuSince(before, after, tookSeconds * 10),
      residentMb: Object.fromEntries(Object.entries(after).map(([name, { residentMb }]) => [name, residentMb])),
      requestsPerSecond: Object.fromEntries(Object.entries(requests).map(([name, count]) => [name, count / tookSeconds])),
      cpuMsPerRenewal: cpuSince(before, after, renewals),
    };
  } finally {
    await client.close();
  }
}

function byVerbAndResource(counts: Metrics): Record<string, number> {
  const requests: Record<string, number> = {};
  for (const [sample, count] of counts) {
    const [, verb, resource, subresource] = /^apiserver_request_total\{verb="(\w+)",.*resource="(\w+)",subresource="(\w*)"/.exec(sample) ?? [];
    if (verb === undefined || resource === undefined) continue;
    const name = `${verb} ${resource}${subresource === "" ? "" : `/${subresource}`}`;
    requests[name] = (requests[name] ?? 0) + count;
  }
  return requests;
}
