/**
 * CRX, the Container Runtime for ESXi: a stripped VM with a Photon kernel in which CRX init and then the Spherelet agent run a pod's
 * containers. On a real host each is a VM of its own; here one machine process runs the inside of all of them, as a client of the HostDs
 * whose VMs they are.
 * It does the second half of step 8 (init waits), the end of step 12 (the agent boots), step 13 (containers start) and D2 (they stop).
 */
import type { Clock } from "../base/clock.js";
import type { LatencyProfile } from "../base/latency-profile.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { toTimestamp } from "../base/timestamp.js";
import { Outcome, StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { startRpcServer } from "../rpc/server.js";
import type { StepRecorder } from "../rpc/step-recorder.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { HostdLink } from "./client.js";
import type { ContainerRuntime } from "./runtime/container-runtime.js";
import type { CrxInstance } from "./crx-instance.js";
import { ImageProfiles, type OwnImageProfile } from "./runtime/image-profiles.js";
import { Machine } from "./machine.js";
import type { PodStartFact } from "./pods/pod.js";
import { ProfileRuntime } from "./runtime/profile-runtime.js";
import { agentService, INSTANCE_DOMAIN } from "./service.js";

/** What the machine process needs. */
export interface CrxOptions {
  /** `host:port` of the agents; port 0 lets the system choose; `127.0.0.1:0` when absent. */
  readonly listen?: string;
  /** HostD's address, or those of several HostD processes. */
  readonly hostdAddress: string | readonly string[];
  readonly log: Logger;
  /** Emulated time: how long boots and containers take, and what time stamps say. */
  readonly clock: Clock;
  /** Retries. */
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly profile: LatencyProfile;
  readonly recorder?: StepRecorder | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** A user's own image profiles; they count before the built-in ones. */
  readonly imageProfiles?: readonly OwnImageProfile[] | undefined;
  /** What containers run on; image profiles when absent. */
  readonly runtime?: ContainerRuntime | undefined;
}

/** The running machine process. */
export interface Crx {
  /** `host:port` of every agent. */
  readonly address: string;
  /** Makes the kernel of a guest panic; false when no such guest runs here. */
  panic(vmUuid: string, reason: string): boolean;
  /** All guests lose their power. */
  close(): Promise<void>;
}

/** Starts the machine process; resolves when its port listens, HostD may come later. */
export async function startCrx(options: CrxOptions): Promise<Crx> {
  const { clock, monotonic, log, dice, recorder, tls } = options;
  const { durations } = options.profile;
  let address = "";
  const machine = new Machine({
    clock,
    log,
    dice: dice.fork("containers"),
    durations,
    runtime: options.runtime ?? new ProfileRuntime(clock, durations.containerStartMs, new ImageProfiles(options.imageProfiles)),
    agentAddress: () => address,
    onStarted: recorder === undefined ? undefined : (instance, fact) => recordStep13(recorder, instance, fact),
  });
  const server = await startRpcServer({ listen: options.listen ?? "127.0.0.1:0", room: "crx", log, services: [agentService(machine)], tls });
  ({ address } = server);
  const hostds = typeof options.hostdAddress === "string" ? [options.hostdAddress] : options.hostdAddress;
  const links = hostds.map((hostd) => new HostdLink({ address: hostd, name: `crx ${address}`, machine, log, monotonic, dice: dice.fork(`link/${hostd}`), tls }));
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(links.map((link) => link.close()));
    machine.powerDown();
    await server.close();
  };
  return {
    address,
    panic: (vmUuid, reason) => {
      const instance = machine.instance(vmUuid);
      instance?.die(reason);
      return instance !== undefined;
    },
    close: () => (closed ??= close()),
  };
}

function recordStep13(recorder: StepRecorder, instance: CrxInstance, fact: PodStartFact): void {
  const { podUid, namespace, name } = fact.request;
  recorder.record(
    StepRecord.create({
      podUid,
      namespace,
      name,
      step: 13,
      room: "crx",
      peer: "spherelet",
      wire: "spheresim.crx.v1.AgentService/StartPod",
      startTime: toTimestamp(fact.startMs),
      endTime: toTimestamp(fact.endMs),
      outcome: fact.failure === "" ? Outcome.OK : Outcome.FAILED,
      message: fact.failure === "" ? `started ${fact.request.containers.map((each) => each.name).join(", ")}` : fact.failure,
      subject: `${instance.uuid}${INSTANCE_DOMAIN}`,
    }),
  );
}
