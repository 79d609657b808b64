import { join } from "node:path";
import { startEmulator } from "../emulator/index.js";
import { startEtcd } from "../etcd/index.js";
import { userTls } from "./credentials.js";
import type { RoomName } from "./options.js";
import type { RoomContext } from "./room-context.js";
import { emulatorInfo } from "./emulator-info.js";

/** A room that runs. */
export interface RunningRoom {
  close(): Promise<void>;
}

/** How each room is started: the options of its door, taken from the plan. */
export const roomStarters: Readonly<Partial<Record<RoomName, (context: RoomContext) => Promise<RunningRoom>>>> = {
  etcd: ({ plan, log, monotonic, tls }) =>
    startEtcd({ listen: plan.addresses.etcd, dataDir: join(plan.options.dataDir, "etcd"), clock: monotonic, log, tls, onFailure: () => process.exit(1) }),
  emulator: ({ plan, log, clock, monotonic, dice, tls }) =>
    startEmulator({
      listen: plan.addresses.emulator,
      etcdEndpoints: plan.etcdEndpoints,
      apiserver: { server: `https://${plan.addresses.apiserver}`, tls: userTls(plan, "emulator") },
      vcenterAddress: plan.addresses.vcenter,
      info: emulatorInfo(plan),
      log,
      clock,
      monotonic,
      dice,
      tls,
    }),
};
