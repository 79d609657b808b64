import type { HostVm } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import type { RunningEmulator } from "./running-emulator.js";

/** Every VM of a pod that the hosts themselves have, with a record in vCenter or without: what could run. */
export async function vmsOnHosts(running: RunningEmulator, podUid: string): Promise<readonly HostVm[]> {
  const hostd = running.open("esxi").client(HostServiceClient);
  const pages = await Promise.all(running.ready.hosts.map(({ name }) => hostd.listVms({ pageSize: 1_000, pageToken: "" }, { authority: name })));
  return pages.flatMap(({ vms }) => vms).filter((vm) => vm.config?.ownerUid === podUid);
}
