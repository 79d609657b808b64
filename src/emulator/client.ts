import type { Clock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { type HostHardware, HostServiceKey } from "../gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient } from "../gen/spheresim/hostd/v1/hardware_service.js";
import type { HostVm } from "../gen/spheresim/hostd/v1/host.js";
import { HostServiceClient } from "../gen/spheresim/hostd/v1/host_service.js";
import type { Host } from "../gen/spheresim/vcenter/v1/inventory.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { type Channel, openChannel } from "../rpc/channel.js";
import { EtcdClient, EtcdCompactedError, type EtcdEvent } from "../rpc/etcd-client.js";
import { faultStatus } from "../rpc/method-fault.js";
import type { TlsMaterial } from "../rpc/tls.js";
import type { EsxiHosts } from "./esxi-hosts.js";
import type { JournalStore } from "./journal.js";
import { decodeRecord, stepPlaceOf } from "./journal-key.js";
import type { JournalChange, JournalReader } from "./journal-reader.js";

/** The journal's place in etcd: written by the journal, read by everybody who follows placements. */
export function openJournalStore(options: { readonly etcdEndpoints: readonly string[]; readonly tls?: TlsMaterial | undefined; readonly monotonic: Clock }): JournalStore & JournalReader & { close(): void } {
  const etcd = new EtcdClient({ endpoints: options.etcdEndpoints, tls: options.tls, clock: options.monotonic });
  return {
    put: async (pairs) => {
      await etcd.txn({ success: pairs.map(({ key, value }) => ({ put: key, value })) });
    },
    deletePrefix: async (prefix) => {
      await etcd.delete({ prefix });
    },
    keys: async (prefix) => {
      const { pairs } = await etcd.list(prefix);
      return [...pairs].sort((a, b) => a.createRevision - b.createRevision).map((pair) => pair.key);
    },
    revision: async () => BigInt((await etcd.range({ key: "/spheresim/", countOnly: true })).revision),
    read: async (prefix) => {
      const { pairs, revision } = await etcd.list(prefix);
      return { revision: BigInt(revision), records: pairs.map((pair) => ({ record: decodeRecord(pair.value), revision: BigInt(pair.modRevision) })) };
    },
    since: async (prefix, after) => {
      const [before, now] = await Promise.all([keysAt(etcd, prefix, after), etcd.list(prefix)]);
      const written = now.pairs.filter((pair) => pair.modRevision > Number(after));
      const present = new Set(now.pairs.map((pair) => pair.key));
      const changes: JournalChange[] = before.filter((key) => !present.has(key)).map((key) => ({ kind: "leave", place: stepPlaceOf(key) }));
      for (const pair of written.toSorted((a, b) => a.modRevision - b.modRevision)) {
        changes.push({ kind: pair.createRevision > Number(after) ? "enter" : "modify", record: decodeRecord(pair.value) });
      }
      return { revision: BigInt(now.revision), changes };
    },
    follow: async function* (prefix, afterRevision, signal) {
      try {
        for await (const { revision, events } of etcd.watch({ prefix, fromRevision: Number(afterRevision) + 1, progress: true, signal })) {
          yield { revision: BigInt(revision), changes: events.map(changeOf) };
        }
      } catch (error) {
        throw error instanceof EtcdCompactedError ? tooOld(afterRevision, error) : error;
      }
    },
    close: () => etcd.close(),
  };
}

function changeOf({ key, pair }: EtcdEvent): JournalChange {
  if (pair === undefined) return { kind: "leave", place: stepPlaceOf(key) };
  return { kind: pair.version === 1 ? "enter" : "modify", record: decodeRecord(pair.value) };
}

/** The keys below a prefix as they were at a revision. */
async function keysAt(etcd: EtcdClient, prefix: string, revision: bigint): Promise<string[]> {
  try {
    const { pairs } = await etcd.list(prefix, { revision: Number(revision), keysOnly: true });
    return pairs.map((pair) => pair.key);
  } catch (error) {
    // Compacted, or not there yet: a token of another store.
    throw RpcError.is(error, RpcCode.OUT_OF_RANGE) ? tooOld(revision, error) : error;
  }
}

/** What is to be followed from there is not in the store. */
function tooOld(revision: bigint, cause: Error): RpcError {
  const message = `the journal at revision ${revision} is not in the store (any more); begin again without a token`;
  const fault = MethodFault.create({ localizedMessage: message, fault: { $case: "invalidCollectorVersion", value: { oldestToken: "" } } });
  return faultStatus({ room: "emulator", code: RpcCode.OUT_OF_RANGE, message, fault, violations: [], cause });
}

/** So long may a HostD take. */
const HOSTD_DEADLINE_MS = 5_000;
/** So many hosts are asked at a time. */
const HOSTS_AT_A_TIME = 32;
const PAGE_SIZE = 1000;

/** The HostDs and racks behind the addresses that vCenter names; one connection each, as long as a host is there. */
export function openEsxiHosts(tls: TlsMaterial | undefined): EsxiHosts {
  const channels = new Map<string, Channel>();
  const at = (address: string): Channel => {
    const channel = channels.get(address) ?? openChannel({ address, tls });
    channels.set(address, channel);
    return channel;
  };
  const keepOnly = (hosts: readonly Host[]): ReadonlySet<string> => {
    const addresses = new Set(hosts.map(({ address }) => address));
    for (const [address, channel] of channels) {
      if (addresses.has(address)) continue;
      channel.close();
      channels.delete(address);
    }
    return addresses;
  };
  return {
    report: async (hosts) => {
      keepOnly(hosts);
      const vms: HostVm[] = [];
      const silent: string[] = [];
      const left = [...hosts];
      const ask = async (): Promise<void> => {
        for (let host = left.pop(); host !== undefined; host = left.pop()) {
          const name = host.spec?.name ?? "";
          try {
            vms.push(...(await vmsOf(at(host.address), name)));
          } catch (error) {
            if (!RpcError.is(error)) throw error;
            silent.push(name);
          }
        }
      };
      await Promise.all(Array.from({ length: HOSTS_AT_A_TIME }, ask));
      return { vms, silent: silent.sort() };
    },
    mend: async (hosts) => {
      for (const address of keepOnly(hosts)) await mendRack(at(address));
    },
    close: () => void keepOnly([]),
  };
}

async function vmsOf(channel: Channel, authority: string): Promise<readonly HostVm[]> {
  const service = channel.client(HostServiceClient);
  return paged((pageToken) => service.listVms({ pageSize: PAGE_SIZE, pageToken }, { authority, deadlineMs: HOSTD_DEADLINE_MS }), ({ vms }) => vms);
}

async function mendRack(channel: Channel): Promise<void> {
  const service = channel.client(HardwareServiceClient);
  let hosts: readonly HostHardware[];
  try {
    hosts = await paged((pageToken) => service.listHardware({ pageSize: PAGE_SIZE, pageToken }, { deadlineMs: HOSTD_DEADLINE_MS }), (page) => page.hosts);
  } catch (error) {
    if (RpcError.is(error, RpcCode.UNIMPLEMENTED)) return;
    throw error;
  }
  for (const { name, poweredOn, networkConnected, stoppedServices } of hosts) {
    if (!networkConnected) await service.setNetwork({ requestId: "", name, connected: true });
    if (!poweredOn) await service.setPower({ requestId: "", name, poweredOn: true });
    for (const key of [HostServiceKey.HOSTD, HostServiceKey.SPHERELET]) if (stoppedServices.includes(key)) await service.setService({ requestId: "", name, service: key, running: true });
  }
}

async function paged<P extends { readonly nextPageToken: string }, T>(page: (pageToken: string) => Promise<P>, itemsOf: (page: P) => readonly T[]): Promise<readonly T[]> {
  const all: T[] = [];
  let pageToken = "";
  do {
    const each = await page(pageToken);
    all.push(...itemsOf(each));
    pageToken = each.nextPageToken;
  } while (pageToken !== "");
  return all;
}
