import type { Command } from "commander";
import { activityForms } from "../base/activity-text.js";
import { UserError } from "../base/user-error.js";
import type { VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { ClusterRecommendation } from "../gen/spheresim/vcenter/v1/placement.js";
import { TaskServiceClient } from "../gen/spheresim/vcenter/v1/task_service.js";
import { VirtualMachineServiceClient } from "../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import { CreateVmRequest } from "../gen/spheresim/vcenter/v1/virtual_machine.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import { activityProfile, activityText } from "./activity-option.js";
import { addAllocationOptions, type AllocationFlags, cpuAllocation, givenAllocations, memoryAllocation, nothingToChange } from "./allocation-options.js";
import { addTaskOptions, type TaskFlags, wholeNumber } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { oneOf } from "./one-of.js";
import { finish } from "./task-progress.js";
import { addVmList } from "./vm-list.js";
import { moid, type Vsphere, withVsphere } from "./vsphere.js";

interface CreateFlags extends TaskFlags, AllocationFlags {
  readonly cpus: number;
  readonly memoryMb: number;
  readonly host?: string;
  readonly pool?: string;
  readonly activity: string;
  readonly powerOn?: boolean;
}

interface SetFlags extends TaskFlags, AllocationFlags {
  readonly newName?: string;
  readonly cpus?: number;
  readonly memoryMb?: number;
}

/** `spheresim vm`: ordinary VMs, which state what they use, beside those of pods. */
export function addVm(program: Command): void {
  const vm = program.command("vm").description("VMs: list, create, power, migrate, set, activity, destroy");
  addVmList(vm);
  const create = vm
    .command("create")
    .description("create an ordinary VM; DRS picks the host unless one is named")
    .argument("<name>")
    .requiredOption("--cpus <n>", "virtual CPUs", wholeNumber(1))
    .requiredOption("--memory-mb <mb>", "memory, a multiple of 4", wholeNumber(4))
    .option("--host <host>", "the host, instead of the one DRS picks")
    .option("--pool <pool>", "the pool (default: the cluster's root pool)")
    .option("--activity <activity>", `what it uses: ${activityForms}`, "idle")
    .option("--power-on", "power it on, too");
  addTaskOptions(addAllocationOptions(create)).action((name: string, flags: CreateFlags) => withVsphere(flags, (vsphere) => createVm(vsphere, name, flags)));
  addTaskOptions(vm.command("power").description("power a VM on or off, or reset it").argument("<name>").argument("<change>", "on, off or reset", oneOf("on", "off", "reset")))
    .action((name: string, change: keyof typeof powered, flags: TaskFlags) => withVsphere(flags, (vsphere) => power(vsphere, name, change, flags)));
  addTaskOptions(vm.command("migrate").description("move an ordinary VM to another host, running or not").argument("<name>"))
    .option("--host <host>", "the host, instead of the one DRS picks")
    .action((name: string, flags: TaskFlags & { readonly host?: string }) => withVsphere(flags, (vsphere) => migrate(vsphere, name, flags)));
  const set = vm
    .command("set")
    .description("change an ordinary VM; CPUs and memory only while it is off")
    .argument("<name>")
    .option("--new-name <name>", "its new name")
    .option("--cpus <n>", "virtual CPUs", wholeNumber(1))
    .option("--memory-mb <mb>", "memory, a multiple of 4", wholeNumber(4));
  addTaskOptions(addAllocationOptions(set)).action((name: string, flags: SetFlags) => withVsphere(flags, (vsphere) => reconfigure(vsphere, name, flags)));
  addConnectionOptions(vm.command("activity").description("say what an ordinary VM uses from now on").argument("<name>").argument("<activity>", activityForms))
    .action((name: string, text: string, flags: ConnectionOptions) => withVsphere(flags, (vsphere) => setActivity(vsphere, name, text)));
  addTaskOptions(vm.command("destroy").description("destroy a VM that is off").argument("<name>"))
    .option("--power-off", "power it off first")
    .action((name: string, flags: TaskFlags & { readonly powerOff?: boolean }) => withVsphere(flags, (vsphere) => destroy(vsphere, name, flags)));
}

async function createVm(vsphere: Vsphere, name: string, flags: CreateFlags): Promise<void> {
  const activity = activityProfile(flags.activity);
  const pool = flags.pool === undefined ? undefined : (await vsphere.pool(flags.pool)).ref;
  const host = flags.host === undefined ? undefined : await vsphere.hostKey(flags.host);
  const config = { name, numCpus: flags.cpus, memoryMb: flags.memoryMb, cpuAllocation: cpuAllocation(flags), memoryAllocation: memoryAllocation(flags), ...(activity === undefined ? {} : { activity }) };
  const request = CreateVmRequest.create({ config, powerOn: flags.powerOn === true, ...(host === undefined ? {} : { host }), ...(pool === undefined ? {} : { pool }) });
  const task = await vsphere.client(VirtualMachineServiceClient).createVm(request);
  vsphere.forget();
  await finish(vsphere, task, flags, async (ended) => `${name} is ${moid(ended.result)} on ${await vsphere.nameOf(ended.host)}${flags.powerOn === true ? ", powered on" : ""}`);
}

/** What each change of power is called when it is done. */
const powered = { on: "is powered on", off: "is powered off", reset: "was reset" } as const;

async function power(vsphere: Vsphere, name: string, change: keyof typeof powered, flags: TaskFlags): Promise<void> {
  const service = vsphere.client(VirtualMachineServiceClient);
  const vm = await vsphere.vm(name);
  const request = { requestId: "", vm: vm.ref };
  const task = await (change === "on" ? powerOn(vsphere, vm) : change === "off" ? service.powerOffVm(request) : service.resetVm(request));
  await finish(vsphere, task, flags, () => `${vm.config?.name} ${powered[change]}`);
}

/** As the vSphere Client does: DRS chooses the host, or, in manual mode, recommends one and leaves it at that. */
async function powerOn(vsphere: Vsphere, vm: VirtualMachine): Promise<TaskInfo> {
  const service = vsphere.client(VirtualMachineServiceClient);
  const { attempted, notAttempted, recommendations } = await service.powerOnVms({ requestId: "", vms: [{ type: "VirtualMachine", value: moid(vm.ref) }], overrideAutomationLevel: false });
  const [recommended] = recommendations;
  if (recommended !== undefined) {
    throw new UserError("failed", `DRS is in manual mode, so ${vm.config?.name} stays off until you say yes: ${recommended.reasonText}`, `its place is held for ${heldSeconds(recommended)} s; apply it with: spheresim drs apply ${recommended.key}`);
  }
  const refused = notAttempted[0]?.fault;
  if (refused !== undefined) throw new UserError("failed", refused.localizedMessage);
  return vsphere.client(TaskServiceClient).getTask({ task: attempted[0]?.task });
}

function heldSeconds({ time, holdUntil }: ClusterRecommendation): bigint {
  return (holdUntil?.seconds ?? 0n) - (time?.seconds ?? 0n);
}

async function migrate(vsphere: Vsphere, name: string, flags: TaskFlags & { readonly host?: string }): Promise<void> {
  const vm = await vsphere.vm(name);
  const host = flags.host === undefined ? undefined : await vsphere.hostKey(flags.host);
  const task = await vsphere.client(VirtualMachineServiceClient).migrateVm({ requestId: "", vm: vm.ref, host });
  await finish(vsphere, task, flags, async () => `${vm.config?.name} moved from ${vm.hostName} to ${await hostOf(vsphere, vm.ref)}`);
}

/** Where a VM is now. */
async function hostOf(vsphere: Vsphere, ref: ManagedObjectReference | undefined): Promise<string> {
  const vm = await vsphere.client(VirtualMachineServiceClient).getVm({ target: { $case: "vm", value: { type: "VirtualMachine", value: moid(ref) } } });
  return vm.hostName;
}

async function reconfigure(vsphere: Vsphere, name: string, flags: SetFlags): Promise<void> {
  const given = givenAllocations(flags);
  if (!given.cpu && !given.memory && [flags.newName, flags.cpus, flags.memoryMb].every((each) => each === undefined)) throw nothingToChange(name, "vm");
  const vm = await vsphere.vm(name);
  const task = await vsphere.client(VirtualMachineServiceClient).reconfigureVm({
    requestId: "",
    vm: vm.ref,
    name: flags.newName,
    numCpus: flags.cpus,
    memoryMb: flags.memoryMb,
    cpuAllocation: given.cpu ? cpuAllocation(flags, vm.config?.cpuAllocation) : undefined,
    memoryAllocation: given.memory ? memoryAllocation(flags, vm.config?.memoryAllocation) : undefined,
  });
  await finish(vsphere, task, flags, () => `${flags.newName ?? vm.config?.name} is changed`);
}

async function setActivity(vsphere: Vsphere, name: string, text: string): Promise<void> {
  const activity = activityProfile(text);
  const vm = await vsphere.vm(name);
  const changed = await vsphere.client(VirtualMachineServiceClient).setActivity({ requestId: "", vm: vm.ref, activity });
  process.stdout.write(`${vm.config?.name}: ${activityText(changed.activity)}\n`);
}

async function destroy(vsphere: Vsphere, name: string, flags: TaskFlags & { readonly powerOff?: boolean }): Promise<void> {
  const vm = await vsphere.vm(name);
  const target = { $case: "vm" as const, value: { type: "VirtualMachine", value: moid(vm.ref) } };
  const task = await vsphere.client(VirtualMachineServiceClient).destroyVm({ requestId: "", target, powerOff: flags.powerOff === true, uuid: "" });
  await finish(vsphere, task, flags, () => `${vm.config?.name} is destroyed`);
}
