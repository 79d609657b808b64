import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { AgentFault } from "../../src/crx/agent-fault.js";
import type { CrxInstance } from "../../src/crx/crx-instance.js";
import { Machine, type Say } from "../../src/crx/machine.js";
import type { PodStartFact } from "../../src/crx/pods/pod.js";
import { ProfileRuntime } from "../../src/crx/runtime/profile-runtime.js";
import { ContainerSpec, StartPodRequest, type ContainerStatus, type PodContainers } from "../../src/gen/spheresim/crx/v1/agent.js";
import type { GuestToHost } from "../../src/gen/spheresim/hostd/v1/guest.js";
import { Personality } from "../../src/gen/spheresim/hostd/v1/host.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";

export const uuid = "420d0000-0000-4000-8000-000000000001";
export const podUid = "6f1c0000-0000-4000-8000-000000000001";

/** A machine process without a socket on a clock the test owns. */
export class MachineFixture {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly words: NonNullable<GuestToHost["message"]>[] = [];
  readonly facts: PodStartFact[] = [];
  readonly machine: Machine;
  readonly say: Say = (message) => void (message !== undefined && this.words.push(message));

  constructor(durations = { initMs: 0, agentMs: 0, containerStartMs: 0 }) {
    this.machine = new Machine({
      clock: this.clock,
      log: silentLogger,
      dice: new Dice(1),
      durations,
      runtime: new ProfileRuntime(this.clock, durations.containerStartMs),
      agentAddress: () => "127.0.0.1:9",
      onStarted: (_instance, fact) => void this.facts.push(fact),
    });
  }

  boot(powerOnCount = 1): void {
    const config = VirtualMachineConfigSpec.create({ uuid });
    this.machine.obey({ message: { $case: "boot", value: { guest: { uuid, powerOnCount }, kernel: "photon-crx", hostName: "esxi-01.spheresim.test", config } } }, this.say);
  }

  personalize(powerOnCount = 1): void {
    const personality = Personality.create({ podUid, name: "web" });
    this.machine.obey({ message: { $case: "personality", value: { guest: { uuid, powerOnCount }, personality } } }, this.say);
  }

  kill(powerOnCount = 1): void {
    this.machine.obey({ message: { $case: "kill", value: { guest: { uuid, powerOnCount } } } }, this.say);
  }

  /** An instance whose agent answers. */
  async agent(): Promise<CrxInstance> {
    this.boot();
    await this.clock.advance(0);
    this.personalize();
    await this.clock.advance(0);
    return this.instance;
  }

  /** An instance whose init still waits. */
  agentless(): CrxInstance {
    this.boot();
    return this.instance;
  }

  get instance(): CrxInstance {
    const instance = this.machine.instance(uuid);
    if (instance === undefined) throw new Error("no instance");
    return instance;
  }
}

export function container(name: string, image: string, ...command: string[]): ContainerSpec {
  return ContainerSpec.create({ name, image, imageId: `${image}-object`, command });
}

export function podRequest(change: Partial<StartPodRequest>): StartPodRequest {
  return StartPodRequest.create({ podUid, namespace: "default", name: "web", containers: [container("web", "nginx")], ...change });
}

/** `web running`, `web waiting CrashLoopBackOff`, `init terminated Error 1`, with the restarts if any. */
export function words(status: ContainerStatus | undefined): string {
  const { state, name = "", restartCount = 0 } = status ?? {};
  const told = state?.$case === "waiting" ? ` ${state.value.reason}` : state?.$case === "terminated" ? ` ${state.value.reason} ${state.value.exitCode}` : "";
  return `${name} ${state?.$case}${told}${restartCount > 0 ? ` restarts ${restartCount}` : ""}`;
}

export function allWords(pod: PodContainers): string[] {
  return [...pod.initContainers, ...pod.containers].map(words);
}

/** For assert.rejects: an AgentFault of this case and field. */
export function isFault(name: AgentFault["case"], field = ""): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof AgentFault) || error.case !== name || error.field !== field) throw error;
    return true;
  };
}
