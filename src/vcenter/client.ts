import type { Clock } from "../base/clock.js";
import type { HostUpdate, ReceiveVmRequest, VmUpdate } from "../gen/spheresim/hostd/v1/host.js";
import { HostServiceClient, type HostServiceService } from "../gen/spheresim/hostd/v1/host_service.js";
import type { VirtualMachineConfigSpec } from "../gen/spheresim/vim/v1/virtual_machine.js";
import { type Channel, openChannel, type PromiseClient } from "../rpc/channel.js";
import { EtcdClient } from "../rpc/etcd-client.js";
import type { TlsMaterial } from "../rpc/tls.js";
import type { HostDaemon, HostDaemons } from "./hosts/host-daemon.js";
import type { KeyCompare, KeyValue, KeyValueEntry, KeyValueTxn, KeyValueTxnResult } from "./store/key-value.js";

/** A power-on may take half a minute of a slow profile; a HostD that takes longer than this is stuck. */
const HOST_DEADLINE_MS = 120_000;
const GREETING_DEADLINE_MS = 5_000;
/** What of a VM on its host its record, its events and its repair depend on. */
const WATCHED_FIELDS = ["config", "power_state", "last_fault", "guest_heartbeat_status"] as const;

/** HostD over gRPC: one connection per address, the host by `:authority`. */
export class GrpcHostDaemons implements HostDaemons {
  readonly #tls: TlsMaterial | undefined;
  readonly #open = new Map<string, { readonly channel: Channel; readonly daemon: HostDaemon }>();

  constructor(tls: TlsMaterial | undefined) {
    this.#tls = tls;
  }

  at(address: string): HostDaemon {
    const known = this.#open.get(address);
    if (known !== undefined) return known.daemon;
    const channel = openChannel({ address, tls: this.#tls });
    const daemon = new GrpcHostDaemon(channel.client(HostServiceClient));
    this.#open.set(address, { channel, daemon });
    return daemon;
  }

  forget(address: string): void {
    this.#open.get(address)?.channel.close();
    this.#open.delete(address);
  }

  close(): void {
    for (const { channel } of this.#open.values()) channel.close();
  }
}

class GrpcHostDaemon implements HostDaemon {
  readonly #client: PromiseClient<typeof HostServiceService>;

  constructor(client: PromiseClient<typeof HostServiceService>) {
    this.#client = client;
  }

  getHost(host: string, signal: AbortSignal): ReturnType<HostDaemon["getHost"]> {
    return this.#client.getHost({}, { authority: host, signal, deadlineMs: GREETING_DEADLINE_MS });
  }

  // No call but a reset carries a request id: each is idempotent by the state it asks for (a VM by its instance uuid), and is meant anew every time.

  createVm(host: string, config: VirtualMachineConfigSpec, powerOn: boolean, signal: AbortSignal): ReturnType<HostDaemon["createVm"]> {
    return this.#client.createVm({ requestId: "", config, powerOn }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  powerOnVm(host: string, instanceUuid: string, signal: AbortSignal): ReturnType<HostDaemon["powerOnVm"]> {
    return this.#client.powerOnVm({ requestId: "", vm: byInstance(instanceUuid) }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  powerOffVm(host: string, instanceUuid: string, signal: AbortSignal): ReturnType<HostDaemon["powerOffVm"]> {
    return this.#client.powerOffVm({ requestId: "", vm: byInstance(instanceUuid) }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  getVm(host: string, instanceUuid: string, signal: AbortSignal): ReturnType<HostDaemon["getVm"]> {
    return this.#client.getVm({ vm: byInstance(instanceUuid) }, { authority: host, signal, deadlineMs: GREETING_DEADLINE_MS });
  }

  resetVm(host: string, instanceUuid: string, requestId: string, signal: AbortSignal): ReturnType<HostDaemon["resetVm"]> {
    return this.#client.resetVm({ requestId, vm: byInstance(instanceUuid) }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  reconfigureVm(host: string, config: VirtualMachineConfigSpec, signal: AbortSignal): ReturnType<HostDaemon["reconfigureVm"]> {
    return this.#client.reconfigureVm({ requestId: "", vm: byInstance(config.instanceUuid), config }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  receiveVm(host: string, vm: Omit<ReceiveVmRequest, "requestId">, signal: AbortSignal): ReturnType<HostDaemon["receiveVm"]> {
    return this.#client.receiveVm({ requestId: "", ...vm }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  async releaseVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<void> {
    await this.#client.releaseVm({ requestId: "", vm: byInstance(instanceUuid) }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  async destroyVm(host: string, instanceUuid: string, signal: AbortSignal): Promise<void> {
    await this.#client.destroyVm({ requestId: "", vm: byInstance(instanceUuid), powerOff: true }, { authority: host, signal, deadlineMs: HOST_DEADLINE_MS });
  }

  watchVms(signal: AbortSignal): AsyncIterable<VmUpdate> {
    return this.#client.watchVms({ resumeToken: "", hostName: "", pathSet: [...WATCHED_FIELDS] }, { signal });
  }

  watchHosts(signal: AbortSignal): AsyncIterable<HostUpdate> {
    return this.#client.watchHosts({}, { signal });
  }
}

function byInstance(instanceUuid: string): { key: { $case: "instanceUuid"; value: string } } {
  return { key: { $case: "instanceUuid", value: instanceUuid } };
}

/** vCenter's records in etcd. */
export class EtcdKeyValue implements KeyValue {
  readonly #etcd: EtcdClient;

  constructor(options: { readonly endpoints: readonly string[]; readonly tls: TlsMaterial | undefined; readonly clock: Clock }) {
    this.#etcd = new EtcdClient(options);
  }

  async list(prefix: string): Promise<readonly KeyValueEntry[]> {
    const { pairs } = await this.#etcd.list(prefix);
    return pairs.map(({ key, value }) => ({ key, value: value.toString() }));
  }

  async txn(txn: KeyValueTxn): Promise<KeyValueTxnResult> {
    const { succeeded, revision, gets } = await this.#etcd.txn({
      compare: txn.compare.map(condition),
      success: [...txn.puts.map(({ key, value }) => ({ put: key, value })), ...txn.deletes.map((key) => ({ delete: { key } }))],
      failure: txn.readOnFailure.map((key) => ({ get: { key } })),
    });
    const found = succeeded ? [] : gets.flatMap((get) => get?.pairs.map(({ key, value }) => ({ key, value: value.toString() })) ?? []);
    return { succeeded, revision: BigInt(revision), found };
  }

  watch(key: string, fromRevision: bigint, signal: AbortSignal): AsyncIterable<unknown> {
    return this.#etcd.watch({ key, fromRevision: Number(fromRevision), signal });
  }

  close(): void {
    this.#etcd.close();
  }
}

function condition(compare: KeyCompare): { key: string; exists: boolean } | { key: string; value: string } {
  return "absent" in compare ? { key: compare.key, exists: false } : { key: compare.key, value: compare.value };
}
