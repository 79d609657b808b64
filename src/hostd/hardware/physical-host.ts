import { secretUuid } from "../../base/ids.js";
import { HostHardware, HostServiceKey } from "../../gen/spheresim/hostd/v1/hardware.js";
import type { HostInfo, HostVm } from "../../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { EsxiHost, type EsxiSurroundings } from "../esxi-host.js";
import { type HostFault, hostNotReachable, shuttingDown } from "../host-fault.js";
import type { HostSpec } from "../host-spec.js";
import { forgottenState } from "../virtual-machine.js";
import { putHardware } from "../vm-disk.js";
import { HostReach } from "./host-reach.js";

/**
 * An ESXi host as a thing in a rack: it has power or not, a cable, services that run or not. While it has power an EsxiHost runs on it, a new one
 * with each boot; the world outside reaches that one's HostD only by cable and while HostD runs.
 *
 * What happens to VMs while nobody reaches the host goes on, and is told when it is back: every VM as if it were new, and every VM that is gone
 * as gone. Example: a watcher knows web-1 and web-2; the cable is cut, the guest of web-1 dies, web-2 is destroyed by a call that was under way,
 * the cable is plugged in: the watcher hears ENTER web-1 (powered off) and LEAVE web-2.
 */
export class PhysicalHost {
  readonly spec: HostSpec;
  readonly #around: EsxiSurroundings;
  readonly #reach: HostReach;
  #state: HostHardware;
  #running: EsxiHost | undefined;
  /** VMs that watchers know, by instance uuid; kept while the host is out of reach. */
  #known = new Map<string, HostVm>();
  /** Revision of VMs by which all of the host's had been told when it came (back): of a change that was told, as a watcher waits for it. */
  #toldRevision = 0n;

  /** `state`: power, cable and services as they were; a host that has power boots with `bootUp`. */
  constructor(state: HostHardware, around: EsxiSurroundings) {
    const { name, numCpuCores, cpuMhz, memoryMb, labels } = state;
    this.spec = { name, cores: numCpuCores, cpuMhz, memoryMb, labels };
    this.#around = around;
    this.#state = state;
    this.#reach = new HostReach(hostNotReachable(name, this.#absence() ?? "it boots"));
  }

  get state(): HostHardware {
    return this.#state;
  }

  get reach(): Pick<HostReach, "isThere" | "times"> {
    return this.#reach;
  }

  /** What runs on it, whether anybody reaches it or not; undefined without power. */
  get running(): EsxiHost | undefined {
    return this.#running;
  }

  /** HostD of the host, for a caller outside. Throws HostNotReachable. */
  hostd(): EsxiHost {
    this.#reach.require();
    if (this.#running === undefined) throw hostNotReachable(this.spec.name, "it has no power");
    return this.#running;
  }

  /** A call of somebody outside: ends with HostNotReachable when the host gets out of reach, whatever its work still does. */
  async answering<T>(work: (hostd: EsxiHost) => Promise<T>): Promise<T> {
    const hostd = this.hostd();
    return this.#reach.answering(() => work(hostd));
  }

  /** About the host and the revision by which its VMs were told; undefined while nobody reaches it. */
  presence(): { readonly info: HostInfo; readonly revision: bigint } | undefined {
    return this.#reach.isThere && this.#running !== undefined ? { info: this.#running.info(), revision: this.#toldRevision } : undefined;
  }

  /** Boots, if it has power: VMs on its disk are powered off. */
  async bootUp(): Promise<void> {
    if (!this.#state.poweredOn) return;
    const host = new EsxiHost(this.spec, secretUuid(), this.#around, () => this.#reach.isThere);
    await host.boot();
    this.#running = host;
    this.#state = { ...this.#state, bootId: host.bootId, bootTime: host.info().bootTime };
    this.#follow();
  }

  /** Makes `next` so, once it is on disk. */
  async become(next: HostHardware): Promise<void> {
    const boots = next.poweredOn && !this.#state.poweredOn;
    const stored = HostHardware.create({ ...next, bootId: "", bootTime: undefined });
    await this.#around.disk.committer.commit([putHardware(stored)]);
    this.#state = next.poweredOn && !boots ? next : stored;
    if (boots) return this.bootUp();
    this.#follow();
  }

  /** Out of the rack, with its disk: what watchers knew of it is gone. */
  scrap(): void {
    for (const vm of this.#known.values()) this.#around.changes.add(UpdateKind.LEAVE, forgottenState(vm));
    this.#known.clear();
  }

  /** The process ends. */
  shutDown(): void {
    this.#running?.shutDown(shuttingDown());
  }

  /** Lets reach and guests follow power, cable and services. */
  #follow(): void {
    const absence = this.#absence();
    if (absence !== undefined) this.#lose(hostNotReachable(this.spec.name, absence));
    else if (!this.#reach.isThere) this.#comeBack();
    if (!this.#state.poweredOn && this.#running !== undefined) {
      this.#running.losePower(hostNotReachable(this.spec.name, "it has no power"));
      this.#running = undefined;
    }
  }

  #lose(why: HostFault): void {
    if (this.#reach.isThere) this.#known = new Map(this.#running?.vms().map((vm) => [vm.config?.instanceUuid ?? "", vm]));
    this.#reach.lose(why);
  }

  #comeBack(): void {
    const { changes } = this.#around;
    this.#reach.found();
    const before = changes.revision;
    const there = new Set(this.#running?.vms().map((vm) => vm.config?.instanceUuid));
    for (const [instanceUuid, vm] of this.#known) if (!there.has(instanceUuid)) changes.add(UpdateKind.LEAVE, forgottenState(vm));
    this.#known.clear();
    this.#running?.tellAgain();
    if (changes.revision > before) this.#toldRevision = changes.revision;
  }

  /** Why nobody reaches HostD; undefined where somebody does. */
  #absence(): string | undefined {
    const { poweredOn, networkConnected, stoppedServices } = this.#state;
    if (!poweredOn) return "it has no power";
    if (!networkConnected) return "its network cable is unplugged";
    return stoppedServices.includes(HostServiceKey.HOSTD) ? "its HostD does not run" : undefined;
  }
}

/** A host as its inventory or AddHardware has it, with power and all in order. */
export function newHardware({ name, cores, cpuMhz, memoryMb, labels = {} }: HostSpec, added: boolean): HostHardware {
  return HostHardware.create({ name, numCpuCores: cores, cpuMhz, memoryMb, labels: { ...labels }, poweredOn: true, networkConnected: true, added });
}
