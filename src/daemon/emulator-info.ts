import { join } from "node:path";
import { version } from "../base/version.js";
import { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { endpointsOf } from "./endpoints.js";
import type { PlanePlan } from "./plane-plan.js";

/** What GetInfo answers of a plan. */
export function emulatorInfo(plan: PlanePlan): Omit<Info, "time"> {
  const { options } = plan;
  return Info.create({
    version,
    seed: BigInt(options.seed),
    profile: options.profile,
    endpoints: endpointsOf(plan),
    kubeconfig: join(options.dataDir, "kubeconfig"),
    dataDir: options.dataDir,
    hosts: plan.inventory.hosts.map((host) => host.name),
  });
}
