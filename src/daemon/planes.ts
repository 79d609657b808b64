import type { UpOptions } from "./options.js";
import { type RoomName, roomNames } from "./room-name.js";

/** A process and the rooms in it. */
export interface Plane {
  readonly name: string;
  readonly rooms: readonly RoomName[];
}

/** In the order of who is called by whom; stopped from the last to the first. */
const byPlane: readonly Plane[] = [
  { name: "store", rooms: ["etcd"] },
  { name: "esxi", rooms: ["hostd", "crx", "spherelet"] },
  { name: "vsphere", rooms: ["vcenter"] },
  { name: "kubernetes", rooms: ["apiserver", "scheduler", "controllers", "lifecycle", "emulator"] },
];

/** Divides the rooms that run into processes. */
export function planesOf(options: Pick<UpOptions, "processes" | "without" | "etcdEndpoints">): readonly Plane[] {
  const runs = (room: RoomName): boolean => !options.without.includes(room) && !(room === "etcd" && options.etcdEndpoints.length > 0);
  const running = roomNames.filter(runs);
  if (options.processes === "one") return [{ name: "one", rooms: running }];
  if (options.processes === "rooms") return running.map((room) => ({ name: room, rooms: [room] }));
  return byPlane.map((plane) => ({ name: plane.name, rooms: plane.rooms.filter(runs) })).filter((plane) => plane.rooms.length > 0);
}
