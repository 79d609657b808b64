import { Level } from "level";
import { makeDirectory } from "../base/directory.js";
import { UserError } from "../base/user-error.js";
import { HostHardware } from "../gen/spheresim/hostd/v1/hardware.js";
import { HostVm } from "../gen/spheresim/hostd/v1/host.js";
import { GroupCommitter, type DiskWrite } from "./group-committer.js";

const FORMAT_KEY = "format";
const FORMAT = "spheresim-hostd-1";
const HARDWARE_PREFIX = "hardware/";

/**
 * The local disks of all hosts of this process in one LevelDB; a host's disk is its key prefix.
 *
 * Keys: `host/<host>/vm/<instance uuid>` holds a HostVm, `host/<host>/next-vm-id` an integer in text; `hardware/<host>` a HostHardware, for the
 * hosts that were added or are not as their inventory has them.
 */
export class VmDisk {
  readonly committer: GroupCommitter;
  readonly #level: Level<string, Buffer>;

  private constructor(level: Level<string, Buffer>) {
    this.#level = level;
    this.committer = new GroupCommitter((writes) => level.batch(writes, { sync: true }));
  }

  /** Opens or creates the directory; one process at a time. */
  static async open(directory: string): Promise<VmDisk> {
    makeDirectory(directory);
    const level = new Level<string, Buffer>(directory, { keyEncoding: "utf8", valueEncoding: "buffer" });
    try {
      await level.open();
    } catch (error) {
      throw openError(directory, error);
    }
    try {
      await requireFormat(level, directory);
    } catch (error) {
      await level.close();
      throw error;
    }
    return new VmDisk(level);
  }

  /** The hardware that was put in, taken out of order or changed. */
  async loadHardware(): Promise<HostHardware[]> {
    const hosts: HostHardware[] = [];
    for await (const value of this.#level.values({ gte: HARDWARE_PREFIX, lt: `${HARDWARE_PREFIX}~` })) hosts.push(HostHardware.decode(value));
    return hosts;
  }

  /** Everything on one host's disk. */
  async load(host: string): Promise<{ readonly vms: HostVm[]; readonly nextVmId: number }> {
    const prefix = `host/${host}/vm/`;
    const vms: HostVm[] = [];
    for await (const value of this.#level.values({ gte: prefix, lt: `${prefix}~` })) vms.push(HostVm.decode(value));
    const next = await this.#level.get(nextVmIdKey(host));
    return { vms, nextVmId: next === undefined ? 1 : Number(next.toString()) };
  }

  /** Waits for what is being written and closes. */
  async close(): Promise<void> {
    await this.committer.idle();
    await this.#level.close();
  }
}

/** Stores a VM as it is. */
export function putVm(vm: HostVm): DiskWrite {
  return { type: "put", key: vmKey(vm.hostName, vm.config?.instanceUuid ?? ""), value: Buffer.from(HostVm.encode(vm).finish()) };
}

export function deleteVm(vm: HostVm): DiskWrite {
  return { type: "del", key: vmKey(vm.hostName, vm.config?.instanceUuid ?? "") };
}

/** Stores which id the next VM gets, so that ids of destroyed VMs never come back. */
export function putNextVmId(host: string, next: number): DiskWrite {
  return { type: "put", key: nextVmIdKey(host), value: Buffer.from(String(next)) };
}

/** Stores how a host stands in the rack. */
export function putHardware(host: HostHardware): DiskWrite {
  return { type: "put", key: `${HARDWARE_PREFIX}${host.name}`, value: Buffer.from(HostHardware.encode(host).finish()) };
}

/** Forgets a host with all that is on its disk. */
export function deleteHost(host: string, vms: readonly HostVm[]): DiskWrite[] {
  return [{ type: "del", key: `${HARDWARE_PREFIX}${host}` }, { type: "del", key: nextVmIdKey(host) }, ...vms.map(deleteVm)];
}

function vmKey(host: string, instanceUuid: string): string {
  return `host/${host}/vm/${instanceUuid}`;
}

function nextVmIdKey(host: string): string {
  return `host/${host}/next-vm-id`;
}

async function requireFormat(level: Level<string, Buffer>, directory: string): Promise<void> {
  const format = (await level.get(FORMAT_KEY))?.toString();
  if (format === FORMAT) return;
  const [first] = await level.keys({ limit: 1 }).all();
  if (format !== undefined || first !== undefined) {
    throw new UserError("cannot-start", `hostd: ${directory} holds ${format === undefined ? "the data of another program" : `data of the format "${format}", not "${FORMAT}"`}`, "use another --data-dir");
  }
  await level.put(FORMAT_KEY, Buffer.from(FORMAT), { sync: true });
}

function openError(directory: string, error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  if (code === "LEVEL_LOCKED") return new UserError("cannot-start", `hostd: ${directory} is locked by another process`, "stop that one, or use another --data-dir");
  return new UserError("cannot-start", `hostd: cannot open ${directory}: ${cause instanceof Error ? cause.message : String(cause)}`);
}
