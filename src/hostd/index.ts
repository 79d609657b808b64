/**
 * HostD, the management daemon of an ESXi host, with what it starts for a VM: the VMX process, a VMM per vCPU and, for a vSphere Pod, the
 * loader that writes the Photon kernel straight into the VM's memory.
 * On a real host it answers vim25 over SOAP; here `spheresim.hostd.v1` over gRPC, for every ESXi host of the process on one port.
 * It serves step 7 (create and power on), does step 8 (VMX, VMM, kernel, init waiting), answers step 9 and serves step 12 (personality).
 */
import { toTimestamp } from "../base/timestamp.js";
import type { Clock } from "../base/clock.js";
import { ReadCounter } from "../base/metric.js";
import type { LatencyProfile } from "../base/latency-profile.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { Outcome, StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import { startRpcServer } from "../rpc/server.js";
import type { StepRecorder } from "../rpc/step-recorder.js";
import type { TlsMaterial } from "../rpc/tls.js";
import type { PowerOnFact } from "./power-cycle.js";
import { EsxiProcess } from "./esxi-process.js";
import type { HostSpec } from "./host-spec.js";
import { guestService } from "./services/guest-service.js";
import { hardwareService } from "./services/hardware-service.js";
import { hostService } from "./services/host-service.js";

export type { HostSpec } from "./host-spec.js";

/** What the ESXi hosts of a process need. */
export interface HostdOptions {
  /** `host:port`; port 0 lets the system choose; `127.0.0.1:0` when absent. */
  readonly listen?: string;
  /** The hosts behind the port. */
  readonly hosts: readonly HostSpec[];
  /** Directory of the hosts' disks, for this process alone. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Emulated time: how long the hardware takes, and what time stamps say. */
  readonly clock: Clock;
  /** Deadlines. */
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly profile: LatencyProfile;
  readonly recorder?: StepRecorder | undefined;
  readonly tls?: TlsMaterial | undefined;
}

/** The running hosts. */
export interface Hostd {
  /** `host:port`. */
  readonly address: string;
  /** Commits and synced batches of the disk so far. */
  readonly diskCounts: { readonly commits: number; readonly batches: number };
  /** The power goes: every guest dies; the disk stays. */
  close(): Promise<void>;
}

/** Boots the hosts and serves them; resolves when the port listens. Throws UserError when the directory is in use. */
export async function startHostd(options: HostdOptions): Promise<Hostd> {
  const { log, recorder } = options;
  const esxi = await EsxiProcess.boot({
    ...options,
    durations: options.profile.durations,
    onPowerOn: recorder === undefined ? undefined : (fact) => recordStep8(recorder, fact),
  });
  try {
    const server = await startRpcServer({
      listen: options.listen ?? "127.0.0.1:0",
      room: "hostd",
      log,
      services: [hostService(esxi), guestService(esxi, log), hardwareService(esxi.rack)],
      metrics: [
        new ReadCounter({ name: "spheresim_host_disk_commits_total", help: "Commits of the hosts to their disks." }, () => esxi.disk.committer.commits),
        new ReadCounter({ name: "spheresim_host_disk_syncs_total", help: "Synced writes that made commits durable; commits that meet share one." }, () => esxi.disk.committer.batches),
      ],
      tls: options.tls,
    });
    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      esxi.powerDown();
      await server.close();
      await esxi.disk.close();
    };
    return {
      address: server.address,
      get diskCounts() {
        return { commits: esxi.disk.committer.commits, batches: esxi.disk.committer.batches };
      },
      close: () => (closed ??= close()),
    };
  } catch (error) {
    await esxi.disk.close();
    throw error;
  }
}

/** Step 8; HostD knows the pod by its UID alone, the journal fills in the names. */
function recordStep8(recorder: StepRecorder, fact: PowerOnFact): void {
  if (fact.config.ownerUid === "") return;
  recorder.record(StepRecord.create({
    podUid: fact.config.ownerUid,
    step: 8,
    room: "hostd",
    peer: "crx",
    wire: "spheresim.hostd.v1.GuestService/Connect",
    startTime: toTimestamp(fact.startMs),
    endTime: toTimestamp(fact.endMs),
    outcome: fact.fault === undefined ? Outcome.OK : Outcome.FAILED,
    message: fact.fault?.localizedMessage ?? "VMX, VMM, Photon kernel; CRX init waits for its personality",
    subject: `${fact.host}/${fact.vmId}`,
  }));
}
