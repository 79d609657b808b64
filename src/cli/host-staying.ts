import { monotonicClock } from "../base/clock.js";
import { DrsBehavior, type VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import { TaskServiceClient } from "../gen/spheresim/vcenter/v1/task_service.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import { VirtualMachinePowerState } from "../gen/spheresim/vim/v1/virtual_machine.js";
import type { TaskFlags } from "./command-options.js";
import { moid, type Vsphere } from "./vsphere.js";

/** How many VMs a hint names. */
const MOST_NAMED = 5;
/** A host that DRS has not emptied after this long waits for something. */
const SAY_AFTER_MS = 3_000;

/** Waits until a host is empty, and tells who waits, on standard error, what for: pods never move, and DRS moves VMs only where it may and can. */
export async function whileStaying(vsphere: Vsphere, host: string, task: TaskInfo, flags: Pick<TaskFlags, "wait">, wait: () => Promise<void>): Promise<void> {
  const { pods, others, isAutomatic } = await staying(vsphere, host);
  const [, first] = named(pods);
  if (pods.length > 0) say(`waits until ${pods.length} vSphere Pod${pods.length === 1 ? " is" : "s are"} gone, which never move${pods.length === 1 ? "s" : ""}: ${first}; delete with: kubectl delete pod`);
  if (others.length > 0 && !isAutomatic) {
    say(`waits for ${named(others).join(": ")}; DRS is not fully automated and moves nothing by itself`);
    process.stderr.write("  move them with: spheresim vm migrate NAME, or: spheresim drs recommendations --refresh, then spheresim drs apply --all\n");
  }
  const timer = others.length > 0 && isAutomatic && flags.wait ? monotonicClock().timer(SAY_AFTER_MS, () => void sayLate(vsphere, task)) : undefined;
  try {
    await wait();
  } finally {
    timer?.cancel();
  }
}

/** What the task says of those that are not on their way. Best effort: whoever cannot be asked now is what the command itself will report. */
async function sayLate(vsphere: Vsphere, { task }: TaskInfo): Promise<void> {
  const description = await vsphere.client(TaskServiceClient).getTask({ task }).then((now) => now.description, () => "");
  if (description !== "") say(`still waits: ${description}`);
}

interface Staying {
  readonly pods: readonly string[];
  readonly others: readonly string[];
  /** Whether DRS moves VMs away by itself. */
  readonly isAutomatic: boolean;
}

async function staying(vsphere: Vsphere, host: string): Promise<Staying> {
  const { virtualMachines, hosts, clusters } = await vsphere.inventory();
  const there = virtualMachines.filter((vm) => vm.hostName === host && vm.powerState === VirtualMachinePowerState.POWERED_ON);
  const name = ({ config }: VirtualMachine): string => config?.name ?? "";
  const cluster = hosts.find(({ spec }) => spec?.name === host)?.cluster;
  const drs = clusters.find(({ ref }) => moid(ref) === moid(cluster))?.drsConfig;
  return {
    pods: there.filter((vm) => vm.ownerUid !== "").map(name),
    others: there.filter((vm) => vm.ownerUid === "").map(name),
    isAutomatic: drs?.enabled === true && drs.defaultVmBehavior === DrsBehavior.FULLY_AUTOMATED,
  };
}

/** How many, and some of their names. */
function named(names: readonly string[]): readonly [count: string, names: string] {
  const some = names.slice(0, MOST_NAMED).join(", ") + (names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : "");
  return [`${names.length} virtual machine${names.length === 1 ? "" : "s"}`, some];
}

function say(text: string): void {
  process.stderr.write(`spheresim: ${text}\n`);
}
