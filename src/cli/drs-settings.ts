import { type Command, Option } from "commander";
import { UserError } from "../base/user-error.js";
import { ClusterServiceClient } from "../gen/spheresim/vcenter/v1/cluster_service.js";
import { Cluster, ClusterDasConfig, ClusterDrsConfig, DrsBehavior } from "../gen/spheresim/vcenter/v1/inventory.js";
import { ScaleSharesBehavior } from "../gen/spheresim/vim/v1/resource.js";
import { addListOptions, clusterOption, type ListFlags, switchOption, wholeNumber } from "./command-options.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";
import { type Vsphere, withVsphere } from "./vsphere.js";

interface SettingFlags extends ListFlags {
  readonly cluster?: string;
  readonly enabled?: boolean;
  readonly threshold?: number;
  readonly behaviour?: string;
  readonly memoryMetric?: string;
  readonly scalableShares?: boolean;
  readonly ha?: boolean;
  readonly admissionControl?: boolean;
  readonly failoverCpuPercent?: number;
  readonly failoverMemoryPercent?: number;
}

const behaviours: Readonly<Record<string, DrsBehavior>> = {
  manual: DrsBehavior.MANUAL,
  "partially-automated": DrsBehavior.PARTIALLY_AUTOMATED,
  "fully-automated": DrsBehavior.FULLY_AUTOMATED,
};

/** `spheresim drs settings`: of DRS and HA; with flags they are changed first. */
export function addDrsSettings(drs: Command): void {
  addListOptions(drs.command("settings").description("settings of DRS and HA; flags change them"))
    .addOption(clusterOption())
    .addOption(switchOption("--enabled <on|off>", "whether DRS runs its pass each minute"))
    .option("--threshold <level>", "migration threshold, 1 (mandatory moves only) to 5", wholeNumber(1, 5))
    .addOption(new Option("--behaviour <behaviour>", "what DRS does by itself").choices(Object.keys(behaviours)))
    .addOption(new Option("--memory-metric <metric>", "how memory demand is reckoned").choices(["active", "consumed"]))
    .addOption(switchOption("--scalable-shares <on|off>", "for every pool of the cluster"))
    .addOption(switchOption("--ha <on|off>", "whether HA is on"))
    .addOption(switchOption("--admission-control <on|off>", "whether HA keeps room for fail-over"))
    .option("--failover-cpu-percent <percent>", "CPU that must stay unreserved", wholeNumber(0, 100))
    .option("--failover-memory-percent <percent>", "memory that must stay unreserved", wholeNumber(0, 100))
    .action((flags: SettingFlags) =>
      withVsphere(flags, async (vsphere) => {
        const before = await vsphere.clusterSettings(flags.cluster);
        if (before === undefined) throw new UserError("failed", "there is no cluster");
        const now = await changed(vsphere, before, flags);
        print(flags.output, Cluster.toJSON(now), () => settingTable(now));
      }),
    );
}

async function changed(vsphere: Vsphere, before: Cluster, flags: SettingFlags): Promise<Cluster> {
  const given = (...values: readonly unknown[]): boolean => values.some((each) => each !== undefined);
  const drs = given(flags.enabled, flags.threshold, flags.behaviour, flags.memoryMetric);
  const das = given(flags.ha, flags.admissionControl, flags.failoverCpuPercent, flags.failoverMemoryPercent);
  if (!drs && !das && flags.scalableShares === undefined) return before;
  return vsphere.client(ClusterServiceClient).reconfigureCluster({
    requestId: "",
    cluster: before.ref,
    drsConfig: drs ? drsConfig(before.drsConfig ?? ClusterDrsConfig.create(), flags) : undefined,
    dasConfig: das ? dasConfig(before.dasConfig ?? ClusterDasConfig.create(), flags) : undefined,
    scaleDescendantsShares: flags.scalableShares === undefined ? ScaleSharesBehavior.UNSPECIFIED : flags.scalableShares ? ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES : ScaleSharesBehavior.DISABLED,
  });
}

function drsConfig(before: ClusterDrsConfig, flags: SettingFlags): ClusterDrsConfig {
  return {
    enabled: flags.enabled ?? before.enabled,
    defaultVmBehavior: flags.behaviour === undefined ? before.defaultVmBehavior : (behaviours[flags.behaviour] ?? before.defaultVmBehavior),
    migrationThreshold: flags.threshold ?? before.migrationThreshold,
    consumedMemoryMetric: flags.memoryMetric === undefined ? before.consumedMemoryMetric : flags.memoryMetric === "consumed",
  };
}

function dasConfig(before: ClusterDasConfig, flags: SettingFlags): ClusterDasConfig {
  return {
    enabled: flags.ha ?? before.enabled,
    admissionControlEnabled: flags.admissionControl ?? before.admissionControlEnabled,
    cpuFailoverResourcesPercent: flags.failoverCpuPercent ?? before.cpuFailoverResourcesPercent,
    memoryFailoverResourcesPercent: flags.failoverMemoryPercent ?? before.memoryFailoverResourcesPercent,
  };
}

function settingTable({ name, drsConfig: drs, dasConfig: das, scaleDescendantsShares, drsScore, numVmsPerDrsScoreBucket: buckets }: Cluster): string {
  const onOff = (value: boolean | undefined): string => (value === true ? "on" : "off");
  const behaviour = Object.entries(behaviours).find(([, each]) => each === drs?.defaultVmBehavior)?.[0] ?? "fully-automated";
  return table(
    ["setting", "value"],
    [
      ["cluster", name],
      ["enabled", onOff(drs?.enabled ?? true)],
      ["behaviour", behaviour],
      ["threshold", String(drs?.migrationThreshold || 3)],
      ["memory-metric", drs?.consumedMemoryMetric === true ? "consumed" : "active"],
      ["scalable-shares", onOff(scaleDescendantsShares === ScaleSharesBehavior.SCALE_CPU_AND_MEMORY_SHARES)],
      ["ha", onOff(das?.enabled)],
      ["admission-control", onOff(das?.admissionControlEnabled)],
      ["failover-cpu-percent", String(das?.cpuFailoverResourcesPercent ?? 0)],
      ["failover-memory-percent", String(das?.memoryFailoverResourcesPercent ?? 0)],
      // What DRS makes of them.
      ["score", drsScore === undefined ? "" : String(drsScore)],
      ["vms by score, 0-20 to 81-100", buckets.join(" ")],
    ],
    screen().columns,
  );
}
