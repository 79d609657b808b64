import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { fromTimestamp } from "../../base/timestamp.js";
import type { PodStats } from "../../gen/spheresim/crx/v1/stats.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { Host } from "../node/host.js";
import type { AgentAddress, Agents } from "../vsphere.js";
import { CpuMeter } from "./cpu-meter.js";
import { cpuTogether, type HostUse, memoryOf, memoryTogether, type PodUse } from "./host-use.js";
import { vmkernelUse } from "./vmkernel-use.js";

export interface StatsCollectorOptions {
  readonly host: Host;
  /** The pods of the node. */
  readonly pods: () => readonly Pod[];
  /** Where the agent of a pod answers; undefined for one that has none. */
  readonly agentOf: (podUid: string) => AgentAddress | undefined;
  readonly agents: Pick<Agents, "listPodStats">;
  /** Emulated. */
  readonly clock: Clock;
  readonly log: Logger;
}

/** Pods asked after in one call: what one answer takes stays far below 5 ms. */
const PODS_PER_CALL = 50;

interface Asked {
  readonly pod: Pod;
  readonly agent: AgentAddress;
}

/**
 * Asks the agents of a host's pods what their containers use: each machine process in batches, one after the other. Who asks while an answer is on
 * its way gets that one, so that however many scrape, the agents are asked once at a time.
 */
export class StatsCollector {
  readonly #options: StatsCollectorOptions;
  readonly #meter = new CpuMeter();
  readonly #startedMs: number;
  #ageMs = 0;
  #running: Promise<HostUse> | undefined;

  constructor(options: StatsCollectorOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  /** Rejects when there are pods with an agent and none of their agents answers; pods whose agent alone does not are left out. */
  use(): Promise<HostUse> {
    this.#running ??= this.#collect().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #collect(): Promise<HostUse> {
    const { host, clock, log } = this.#options;
    const unanswered = new Set<string>();
    const found: PodUse[] = [];
    let failure: Error | undefined;
    let answers = 0;
    for (const [address, asked] of this.#byAddress()) {
      for (let index = 0; index < asked.length; index += PODS_PER_CALL) {
        const batch = asked.slice(index, index + PODS_PER_CALL);
        try {
          found.push(...(await this.#ask(address, batch)));
          answers += 1;
        } catch (error) {
          failure = error instanceof Error ? error : new Error("the agents did not answer", { cause: error });
          for (const { pod } of batch) unanswered.add(pod.metadata.uid);
          log.info({ err: error, address, pods: batch.length }, "agents did not tell what their pods use");
        }
      }
    }
    this.#meter.endRound(unanswered);
    if (failure !== undefined && answers === 0) throw failure;
    const timeMs = clock.nowMs();
    // A clock set back takes nothing away that was counted.
    this.#ageMs = Math.max(this.#ageMs, timeMs - this.#startedMs);
    const vmkernel = vmkernelUse(host, this.#ageMs);
    return {
      nodeName: host.name,
      memoryCapacityBytes: host.memoryMb * 1024 ** 2,
      startedMs: this.#startedMs,
      timeMs,
      cpu: cpuTogether([vmkernel.cpu, { nanos: this.#meter.hostNanos, nanoCores: cpuTogether(found.map(({ cpu }) => cpu)).nanoCores }]),
      memory: memoryTogether([vmkernel.memory, ...found.map(({ memory }) => memory)]),
      pods: found,
    };
  }

  #byAddress(): ReadonlyMap<string, readonly Asked[]> {
    const { pods, agentOf } = this.#options;
    const found = new Map<string, Asked[]>();
    for (const pod of pods()) {
      const agent = agentOf(pod.metadata.uid);
      if (agent === undefined) continue;
      const there = found.get(agent.address);
      if (there === undefined) found.set(agent.address, [{ pod, agent }]);
      else there.push({ pod, agent });
    }
    return found;
  }

  async #ask(address: string, batch: readonly Asked[]): Promise<PodUse[]> {
    const answer = new Map((await this.#options.agents.listPodStats(address, batch.map(({ agent }) => agent.vmUuid))).map((stats) => [stats.podUid, stats]));
    return batch.flatMap(({ pod }) => {
      const stats = answer.get(pod.metadata.uid);
      return stats === undefined ? [] : [this.#measured(pod, stats)];
    });
  }

  #measured(pod: Pod, stats: PodStats): PodUse {
    const timeMs = stats.time === undefined ? this.#options.clock.nowMs() : fromTimestamp(stats.time);
    const containers = stats.containers.map((each) => ({ stats: each, cpu: this.#meter.read(pod.metadata.uid, each, timeMs) }));
    return { pod, stats, timeMs, containers, cpu: cpuTogether(containers.map(({ cpu }) => cpu)), memory: memoryTogether(stats.containers.map(memoryOf)) };
  }
}
