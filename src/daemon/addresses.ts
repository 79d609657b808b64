import type { UpOptions } from "./options.js";
import type { RoomName } from "./room-name.js";

/** Where each room listens, `host:port`. Chosen before anything starts, so every process knows every address from the beginning. */
export interface Addresses {
  readonly emulator: string;
  readonly vcenter: string;
  readonly hostd: string;
  readonly scheduler: string;
  readonly extender: string;
  readonly etcd: string;
  readonly apiserver: string;
  readonly spherelet: string;
  readonly crx: string;
  /** First port of the kubelet listeners, one a host; absent with `auto` ports, where each takes a free one. */
  readonly kubeletPortBase?: number;
}

type Listener = Exclude<keyof Addresses, "kubeletPortBase">;

/** Offset of each listener in the block; kubelets begin at +20. */
const offsets: Record<Listener, number> = { emulator: 1, vcenter: 2, hostd: 3, scheduler: 4, extender: 5, etcd: 6, apiserver: 7, spherelet: 8, crx: 9 };
const listeners = Object.keys(offsets) as Listener[];
const kubeletOffset = 20;

/** Where the world expects three of them. */
const standardPorts: Partial<Record<Listener, number>> = { etcd: 2379, apiserver: 6443 };
const standardKubeletPort = 10_250;

/**
 * Chooses the addresses.
 *
 * Worked example: with `ports: "block"` and `portBase: 7430` the API server listens on `127.0.0.1:7437` and the first kubelet on 7450.
 *
 * @param freePorts asked for that many free ports with `auto`
 */
export async function chooseAddresses(options: Pick<UpOptions, "ports" | "portBase">, freePorts: (count: number) => Promise<number[]>): Promise<Addresses> {
  if (options.ports === "auto") {
    const free = await freePorts(listeners.length);
    return build((_, index) => free[index] ?? 0);
  }
  const standard = options.ports === "standard";
  const addresses = build((listener) => (standard ? standardPorts[listener] : undefined) ?? options.portBase + offsets[listener]);
  return { ...addresses, kubeletPortBase: standard ? standardKubeletPort : options.portBase + kubeletOffset };
}

function build(port: (listener: Listener, index: number) => number): Record<Listener, string> {
  return Object.fromEntries(listeners.map((listener, index) => [listener, `127.0.0.1:${port(listener, index)}`])) as Record<Listener, string>;
}

/** The listeners a room opens on fixed addresses. */
export function listenersOf(room: RoomName): readonly Listener[] {
  if (room === "controllers" || room === "lifecycle") return [];
  return room === "scheduler" ? ["scheduler", "extender"] : [room];
}
