import { join } from "node:path";
import { apiserverAccess, apiserverKubeletTls, apiserverTls } from "./credentials.js";
import { emulatorInfo } from "./emulator-info.js";
import { HostCertificateStore } from "./host-certificates.js";
import type { RoomName } from "./room-name.js";
import type { RoomContext } from "./room-context.js";

/** A room that runs. */
export interface RunningRoom {
  close(): Promise<void>;
}

/** The code of each room. A process loads the rooms it runs and no others. */
const doors = {
  etcd: () => import("../etcd/index.js"),
  apiserver: () => import("../apiserver/index.js"),
  vcenter: () => import("../vcenter/index.js"),
  hostd: () => import("../hostd/index.js"),
  crx: () => import("../crx/index.js"),
  spherelet: () => import("../spherelet/index.js"),
  scheduler: () => import("../scheduler/index.js"),
  controllers: () => import("../controllers/index.js"),
  lifecycle: () => import("../lifecycle/index.js"),
  emulator: () => import("../emulator/index.js"),
} satisfies Record<RoomName, () => Promise<unknown>>;

/** Loads the code of rooms ahead of their start. */
export async function loadRooms(names: readonly RoomName[]): Promise<void> {
  await Promise.all(names.map((name) => doors[name]()));
}

/** How each room is started: the options of its door, taken from the plan. */
export const roomStarters: Readonly<Record<RoomName, (context: RoomContext) => Promise<RunningRoom>>> = {
  etcd: async ({ plan, log, monotonic, dice, tls }) =>
    (await doors.etcd()).startEtcd({ listen: plan.addresses.etcd, dataDir: join(plan.options.dataDir, "etcd"), clock: monotonic, dice, log, tls, onFailure: () => process.exit(1) }),

  apiserver: async ({ plan, tls, ...own }) =>
    (await doors.apiserver()).startApiserver({ listen: plan.addresses.apiserver, etcdEndpoints: plan.etcdEndpoints, etcdTls: tls, tls: apiserverTls(plan), kubeletTls: apiserverKubeletTls(plan), ...own }),

  vcenter: async ({ plan, ...own }) => (await doors.vcenter()).startVcenter({ listen: plan.addresses.vcenter, etcdEndpoints: plan.etcdEndpoints, ...own }),

  hostd: async ({ plan, ...own }) => (await doors.hostd()).startHostd({ listen: plan.addresses.hostd, hosts: plan.inventory.hosts, dataDir: join(plan.options.dataDir, "esxi"), ...own }),

  crx: async ({ plan, ...own }) => (await doors.crx()).startCrx({ listen: plan.addresses.crx, hostdAddress: plan.addresses.hostd, imageProfiles: plan.imageProfiles, ...own }),

  spherelet: async ({ plan, ...own }) => {
    const certificates = new HostCertificateStore(plan.options.dataDir, plan.inventory.hosts.map(({ name }) => name));
    return (await doors.spherelet()).startSpherelets({
      listen: plan.addresses.spherelet,
      hosts: plan.inventory.hosts,
      apiserver: apiserverAccess(plan, "spherelets"),
      nodeTls: async (host) => (await certificates.of(host)).node,
      hostdAddress: plan.addresses.hostd,
      leaseDurationSeconds: plan.options.nodeGrace,
      kubeletPortBase: plan.addresses.kubeletPortBase ?? 0,
      kubeletTls: async (host) => (await certificates.of(host)).kubelet,
      ...own,
    });
  },

  scheduler: async ({ plan, informers, ...own }) =>
    (await doors.scheduler()).startScheduler({ listen: plan.addresses.scheduler, extenderListen: plan.addresses.extender, apiserver: apiserverAccess(plan, "scheduler"), vcenterAddress: plan.addresses.vcenter, decider: plan.options.decider, informers: await informers(), ...own }),

  controllers: async ({ plan, informers, ...own }) =>
    (await doors.controllers()).startControllers({ apiserver: apiserverAccess(plan, "controllers"), vcenterAddress: plan.addresses.vcenter, nodeMonitorGraceMs: plan.options.nodeGrace * 1000, informers: await informers(), ...own }),

  lifecycle: async ({ plan, informers, ...own }) =>
    (await doors.lifecycle()).startLifecycle({ apiserver: apiserverAccess(plan, "lifecycle"), vcenterAddress: plan.addresses.vcenter, sphereletAddress: plan.addresses.spherelet, podCidr: plan.options.podCidr, podMacs: plan.options.podMacs, imageErrors: plan.imageErrors, informers: await informers(), ...own }),

  emulator: async ({ plan, ...own }) =>
    (await doors.emulator()).startEmulator({ listen: plan.addresses.emulator, etcdEndpoints: plan.etcdEndpoints, apiserver: apiserverAccess(plan, "emulator"), vcenterAddress: plan.addresses.vcenter, info: emulatorInfo(plan), ...own }),
};
