import { join } from "node:path";
import { startApiserver } from "../apiserver/index.js";
import { startControllers } from "../controllers/index.js";
import { startCrx } from "../crx/index.js";
import { startEmulator } from "../emulator/index.js";
import { startEtcd } from "../etcd/index.js";
import { startHostd } from "../hostd/index.js";
import { startLifecycle } from "../lifecycle/index.js";
import { startScheduler } from "../scheduler/index.js";
import { startSpherelets } from "../spherelet/index.js";
import { startVcenter } from "../vcenter/index.js";
import { apiserverTls, hostTls, type UserName, userTls } from "./credentials.js";
import { emulatorInfo } from "./emulator-info.js";
import type { RoomName } from "./options.js";
import type { PlanePlan } from "./plane-plan.js";
import type { RoomContext } from "./room-context.js";

/** A room that runs. */
export interface RunningRoom {
  close(): Promise<void>;
}

/** The API server as a room reaches it, in its own user's name. */
function apiserverOf(plan: PlanePlan, user: UserName) {
  return { server: `https://${plan.addresses.apiserver}`, tls: userTls(plan, user) };
}

/** How each room is started: the options of its door, taken from the plan. */
export const roomStarters: Readonly<Record<RoomName, (context: RoomContext) => Promise<RunningRoom>>> = {
  etcd: ({ plan, log, monotonic, tls }) =>
    startEtcd({ listen: plan.addresses.etcd, dataDir: join(plan.options.dataDir, "etcd"), clock: monotonic, log, tls, onFailure: () => process.exit(1) }),

  apiserver: ({ plan, tls, ...own }) =>
    startApiserver({ listen: plan.addresses.apiserver, etcdEndpoints: plan.etcdEndpoints, etcdTls: tls, tls: apiserverTls(plan), ...own }),

  vcenter: ({ plan, ...own }) => startVcenter({ listen: plan.addresses.vcenter, etcdEndpoints: plan.etcdEndpoints, ...own }),

  hostd: ({ plan, ...own }) => startHostd({ listen: plan.addresses.hostd, hosts: plan.inventory.hosts, dataDir: join(plan.options.dataDir, "esxi"), ...own }),

  crx: ({ plan, ...own }) => startCrx({ listen: plan.addresses.crx, hostdAddress: plan.addresses.hostd, ...own }),

  spherelet: ({ plan, ...own }) =>
    startSpherelets({
      listen: plan.addresses.spherelet,
      hosts: plan.inventory.hosts,
      apiserver: apiserverOf(plan, "spherelets"),
      nodeTls: (host) => hostTls(plan, host).node,
      hostdAddress: plan.addresses.hostd,
      kubeletPortBase: plan.addresses.kubeletPortBase ?? 0,
      kubeletTls: (host) => hostTls(plan, host).kubelet,
      ...own,
    }),

  scheduler: ({ plan, ...own }) =>
    startScheduler({ listen: plan.addresses.scheduler, extenderListen: plan.addresses.extender, apiserver: apiserverOf(plan, "scheduler"), vcenterAddress: plan.addresses.vcenter, ...own }),

  controllers: ({ plan, ...own }) =>
    startControllers({ apiserver: apiserverOf(plan, "controllers"), rootCa: apiserverTls(plan).caPem, vcenterAddress: plan.addresses.vcenter, ...own }),

  lifecycle: ({ plan, ...own }) =>
    startLifecycle({ apiserver: apiserverOf(plan, "lifecycle"), vcenterAddress: plan.addresses.vcenter, sphereletAddress: plan.addresses.spherelet, ...own }),

  emulator: ({ plan, ...own }) =>
    startEmulator({ listen: plan.addresses.emulator, etcdEndpoints: plan.etcdEndpoints, apiserver: apiserverOf(plan, "emulator"), vcenterAddress: plan.addresses.vcenter, info: emulatorInfo(plan), ...own }),
};
