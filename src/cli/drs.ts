import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import { DrsRecommendation, VmUsage } from "../gen/spheresim/vcenter/v1/drs.js";
import { DrsServiceClient } from "../gen/spheresim/vcenter/v1/drs_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { addListOptions, addTaskOptions, clusterOption, type ListFlags, type TaskFlags } from "./command-options.js";
import { addDrsSettings } from "./drs-settings.js";
import { figureTable } from "./figure-table.js";
import { shortHostName } from "./host-state.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";
import { finish } from "./task-progress.js";
import { vmUsage } from "./vm-usage.js";
import { allPages, moid, PAGE_SIZE, type Vsphere, withVsphere } from "./vsphere.js";

interface RecommendationFlags extends ListFlags {
  readonly cluster?: string;
  readonly refresh?: boolean;
}

interface ApplyFlags extends TaskFlags {
  readonly cluster?: string;
  readonly all?: boolean;
}

/** `spheresim drs`: what DRS sees, what it would do, and how it is set. */
export function addDrs(program: Command): void {
  const drs = program.command("drs").description("DRS: recommendations, apply, settings, usage");
  addListOptions(drs.command("recommendations").description("migrations that DRS proposes, mandatory ones first"))
    .addOption(clusterOption())
    .option("--refresh", "let DRS run a pass first")
    .action((flags: RecommendationFlags) =>
      withVsphere(flags, async (vsphere) => {
        const cluster = await vsphere.cluster(flags.cluster);
        if (flags.refresh === true) await vsphere.client(DrsServiceClient).refreshRecommendations({ requestId: "", cluster });
        const recommendations = await standing(vsphere, cluster);
        print(flags.output, recommendations.map((each) => DrsRecommendation.toJSON(each)), (wide) => recommendationTable(recommendations, flags.refresh === true, wide));
      }),
    );
  addTaskOptions(drs.command("apply").description("carry recommendations out").argument("[keys...]", "their keys"))
    .addOption(clusterOption())
    .option("--all", "all that stand")
    .action((keys: readonly string[], flags: ApplyFlags) => withVsphere(flags, (vsphere) => apply(vsphere, keys, flags)));
  addDrsSettings(drs);
  addListOptions(drs.command("usage").description("of each VM that is on: what it demands, is entitled to and is granted, and how well it is served")).addOption(clusterOption()).action(
    (flags: ListFlags & { readonly cluster?: string }) =>
      withVsphere(flags, async (vsphere) => {
        const vms = await vmUsage(vsphere, await vsphere.cluster(flags.cluster));
        print(flags.output, vms.map((each) => VmUsage.toJSON(each)), (wide) => usageTable(vms, wide));
      }),
  );
}

function standing(vsphere: Vsphere, cluster: ManagedObjectReference | undefined): Promise<DrsRecommendation[]> {
  const service = vsphere.client(DrsServiceClient);
  return allPages((pageToken) => service.listRecommendations({ cluster, pageSize: PAGE_SIZE, pageToken }), ({ recommendations }) => recommendations);
}

async function apply(vsphere: Vsphere, keys: readonly string[], flags: ApplyFlags): Promise<void> {
  if ((keys.length > 0) === (flags.all === true)) throw new UserError("usage", "name recommendations by key, or all of them with --all", "see them with: spheresim drs recommendations");
  const known = await standing(vsphere, await vsphere.cluster(flags.cluster));
  const chosen = flags.all === true ? known : keys.map((key) => recommendation(key, known));
  if (chosen.length === 0) {
    process.stdout.write("there is no recommendation to apply\n");
    return;
  }
  const task = await vsphere.client(DrsServiceClient).applyRecommendations({ requestId: "", keys: chosen.map(({ key }) => key) });
  await finish(vsphere, task, flags, () => chosen.map(done).join("\n"));
}

/** What a recommendation did. */
function done({ reason, vmName, sourceHostName, targetHostName }: DrsRecommendation): string {
  return reason === "powerOnVm" ? `${vmName} is powered on at ${targetHostName}` : `${vmName} moved from ${sourceHostName} to ${targetHostName}`;
}

function recommendation(key: string, known: readonly DrsRecommendation[]): DrsRecommendation {
  const found = known.find((each) => each.key === key);
  if (found === undefined) throw new UserError("failed", `no recommendation ${key} stands any more`, "see them with: spheresim drs recommendations");
  return found;
}

function recommendationTable(recommendations: readonly DrsRecommendation[], isFresh: boolean, wide: boolean): string {
  // Without a fresh pass it may only be that none has run yet, or none since something changed.
  if (recommendations.length === 0) return isFresh ? "DRS recommends nothing\n" : "no recommendation stands; let DRS look now with: spheresim drs recommendations --refresh\n";
  return table(
    ["key", "rating", "vm", "from", "to", "reason", ...(wide ? ["task", "why"] : [])],
    recommendations.map((each) => [each.key, String(each.rating), each.vmName, shortHostName(each.sourceHostName), shortHostName(each.targetHostName), each.reason, ...(wide ? [moid(each.task), each.reasonText] : [])]),
    screen().columns,
  );
}

function usageTable(vms: readonly VmUsage[], wide: boolean): string {
  if (vms.length === 0) return "no VM is on, or DRS has run no pass yet; let it with: spheresim drs recommendations --refresh\n";
  const columns = { name: "vm", about: ["score", "host"], figures: ["demand", "entitled", "granted"], more: ["id", "active MB", "consumed MB", "cpu ready", "balloon MB", "swapped MB"] };
  const rows = vms.map((each) => ({
    name: each.vmName,
    about: [String(each.drsScore), each.hostName],
    note: `score ${each.drsScore}, ${shortHostName(each.hostName)}`,
    figures: [
      [each.demandCpuMhz, each.demandMemoryMb],
      [each.entitledCpuMhz, each.entitledMemoryMb],
      [each.grantedCpuMhz, each.grantedMemoryMb],
    ] as const,
    more: [moid(each.vm), String(each.activeMemoryMb), String(each.consumedMemoryMb), `${each.cpuReadinessPercent} %`, String(each.balloonedMemoryMb), String(each.swappedMemoryMb)],
  }));
  return figureTable(columns, rows, { wide, screen: screen() });
}
