import { Backoff } from "../../base/backoff.js";
import type { Clock } from "../../base/clock.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { HostInfo, HostUpdate, HostVm, ReceiveVmRequest, VmUpdate } from "../../gen/spheresim/hostd/v1/host.js";
import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { faultOf } from "../errors.js";
import { VimFault } from "../vim-fault.js";

/**
 * What vCenter asks of HostD. Many hosts may answer at one address; `host` is the name that picks one (`:authority` on the wire).
 * Every call ends when the state it asks for is reached and on the host's disk, or throws an RpcError.
 */
export interface HostDaemon {
  getHost(host: string, signal: AbortSignal): Promise<HostInfo>;
  createVm(host: string, config: VirtualMachineConfigSpec, powerOn: boolean, signal: AbortSignal): Promise<HostVm>;
  powerOnVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<HostVm>;
  powerOffVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<HostVm>;
  getVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<HostVm>;
  /** The same `requestId` resets once, in one life of the host's process. */
  resetVm(host: string, instanceUuid: string, requestId: string, signal: AbortSignal): Promise<HostVm>;
  reconfigureVm(host: string, config: VirtualMachineConfigSpec, signal: AbortSignal): Promise<HostVm>;
  receiveVm(host: string, vm: Omit<ReceiveVmRequest, "requestId">, signal: AbortSignal): Promise<HostVm>;
  releaseVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<void>;
  /** Powers off first where needed. */
  destroyVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<void>;
  /** The VMs of every host at the address: ENTER for each, SYNCED, then each change of settings, power, fault or heartbeat. */
  watchVms(signal: AbortSignal): AsyncIterable<VmUpdate>;
  /** Which hosts at the address answer. Throws UNIMPLEMENTED where HostD cannot tell. */
  watchHosts(signal: AbortSignal): AsyncIterable<HostUpdate>;
}

/** Finds the HostD at an address; connections are shared by the hosts of one address. */
export interface HostDaemons {
  at(address: string): HostDaemon;
  /** Closes the connection to an address where no host is left; calls under way there end with UNAVAILABLE or CANCELLED. */
  forget(address: string): void;
}

const RETRY = { initialMs: 50, maxMs: 1_000 } as const;
/** HostD is not there, or did not answer in time: the call may be made again, since every call is idempotent. */
const UNREACHABLE: ReadonlySet<RpcCode> = new Set([RpcCode.UNAVAILABLE, RpcCode.DEADLINE_EXCEEDED, RpcCode.CANCELLED]);

/** How `callHost` waits. */
export interface CallHostOptions {
  readonly host: string;
  readonly monotonic: Clock;
  /** How long HostD may be out of reach before the host counts as not reachable. */
  readonly windowMs: number;
  /** Ends the call with the signal's reason. */
  readonly signal: AbortSignal;
}

/**
 * Calls HostD until it answers. Throws the VimFault it answered with; HostNotReachable when it did not answer within the window; the
 * signal's reason when the caller gave up.
 */
export async function callHost<T>(attempt: () => Promise<T>, options: CallHostOptions): Promise<T> {
  const { host, monotonic, windowMs, signal } = options;
  const backoff = new Backoff(RETRY);
  const deadlineMs = monotonic.nowMs() + windowMs;
  for (;;) {
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOf(error);
      // What the host is doing with the VM may be what a vCenter before this one asked for; a host without power or cable may be back soon.
      const passes = fault?.fault.$case === "taskInProgress" || fault?.fault.$case === "hostNotReachable";
      if (fault !== undefined && (!passes || monotonic.nowMs() >= deadlineMs)) throw fault;
      if (!passes && (!(error instanceof RpcError) || !UNREACHABLE.has(error.code))) throw VimFault.invalidState(`The host ${host} failed: ${error instanceof Error ? error.message : String(error)}`);
      if (monotonic.nowMs() >= deadlineMs) throw VimFault.hostNotReachable(host, error instanceof Error ? error.message : String(error));
      await monotonic.sleep(backoff.nextMs(), signal);
    }
  }
}
