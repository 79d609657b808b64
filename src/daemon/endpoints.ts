import type { PlanePlan } from "./plane-plan.js";
import { planesOf } from "./planes.js";

/** Address of everything that runs, by the names of the ready line: `esxi` is HostD; `extender` and `apiserver` are URLs. */
export function endpointsOf(plan: Pick<PlanePlan, "options" | "addresses" | "etcdEndpoints">): Record<string, string> {
  const { options, addresses, etcdEndpoints } = plan;
  const rooms = new Set(planesOf(options).flatMap((plane) => plane.rooms));
  const endpoints: Record<string, string> = {};
  if (rooms.has("emulator")) endpoints["emulator"] = addresses.emulator;
  if (rooms.has("vcenter")) endpoints["vcenter"] = addresses.vcenter;
  if (rooms.has("hostd")) endpoints["esxi"] = addresses.hostd;
  if (rooms.has("spherelet")) endpoints["spherelet"] = addresses.spherelet;
  if (rooms.has("crx")) endpoints["crx"] = addresses.crx;
  if (rooms.has("scheduler")) endpoints["scheduler"] = addresses.scheduler;
  if (rooms.has("scheduler")) endpoints["extender"] = `http://${addresses.extender}`;
  endpoints["etcd"] = etcdEndpoints.join(",");
  if (rooms.has("apiserver")) endpoints["apiserver"] = `https://${addresses.apiserver}`;
  return endpoints;
}
