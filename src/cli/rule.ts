import type { Command } from "commander";
import { UserError } from "../base/user-error.js";
import type { Inventory } from "../gen/spheresim/vcenter/v1/inventory.js";
import { Rule, VmHostRule } from "../gen/spheresim/vcenter/v1/rule.js";
import { RuleServiceClient } from "../gen/spheresim/vcenter/v1/rule_service.js";
import type { ManagedObjectReference } from "../gen/spheresim/vim/v1/managed_object.js";
import { clusterOption, type ListFlags, addListOptions } from "./command-options.js";
import { addConnectionOptions } from "./connection-options.js";
import type { ConnectionOptions } from "./connection.js";
import { groupNamed, vmRefs } from "./group.js";
import { named } from "./named.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";
import { allPages, moid, PAGE_SIZE, type Vsphere, withVsphere } from "./vsphere.js";

interface ClusterFlags extends ConnectionOptions {
  readonly cluster?: string;
}

interface AddFlags extends ClusterFlags {
  readonly together?: readonly string[];
  readonly apart?: readonly string[];
  readonly must?: readonly string[];
  readonly should?: readonly string[];
  readonly disabled?: boolean;
}

const howToAdd = "say one of: --together VM VM..., --apart VM VM..., --must VMGROUP on|off HOSTGROUP, --should VMGROUP on|off HOSTGROUP";

/** `spheresim rule`: what VMs must or should be together, apart, on or off hosts. */
export function addRule(program: Command): void {
  const rule = program.command("rule").description("placement rules: list, add, remove");
  addListOptions(rule.command("list").description("rules, oldest first; of two that conflict the older wins"))
    .addOption(clusterOption())
    .option("--vm <vm>", "only rules that name this VM, itself or by a group")
    .action((flags: ListFlags & ClusterFlags & { readonly vm?: string }) =>
      withVsphere(flags, async (vsphere) => {
        const vm = flags.vm === undefined ? undefined : (await vsphere.vm(flags.vm)).ref;
        const rules = await allRules(vsphere, await vsphere.cluster(flags.cluster), vm);
        const inventory = await vsphere.inventory();
        print(flags.output, rules.map((each) => Rule.toJSON(each)), (wide) => ruleTable(rules, inventory, wide));
      }),
    );
  const add = rule
    .command("add")
    .description("add a rule between VMs, or between a group of VMs and a group of hosts")
    .argument("<name>")
    .option("--together <vms...>", "keep these VMs on one host")
    .option("--apart <vms...>", "keep these VMs on different hosts")
    .option("--must <words...>", "VMGROUP on|off HOSTGROUP")
    .option("--should <words...>", "VMGROUP on|off HOSTGROUP")
    .option("--disabled", "add it disabled")
    .addOption(clusterOption());
  addConnectionOptions(add).action((name: string, flags: AddFlags) => withVsphere(flags, (vsphere) => addOne(vsphere, name, flags)));
  addConnectionOptions(rule.command("remove").description("remove a rule").argument("<rule>", "its name or key").addOption(clusterOption())).action((name: string, flags: ClusterFlags) =>
    withVsphere(flags, async (vsphere) => {
      const cluster = await vsphere.cluster(flags.cluster);
      const found = named("rule", name, await allRules(vsphere, cluster), (each) => ({ name: each.name, id: String(each.key) }));
      await vsphere.client(RuleServiceClient).removeRule({ requestId: "", cluster, key: found.key });
      process.stdout.write(`rule ${found.name} is removed\n`);
    }),
  );
}

function allRules(vsphere: Vsphere, cluster: ManagedObjectReference | undefined, vm?: ManagedObjectReference): Promise<Rule[]> {
  const service = vsphere.client(RuleServiceClient);
  return allPages((pageToken) => service.listRules({ cluster, vm, pageSize: PAGE_SIZE, pageToken }), ({ rules }) => rules);
}

async function addOne(vsphere: Vsphere, name: string, flags: AddFlags): Promise<void> {
  const given = [flags.together, flags.apart, flags.must, flags.should].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UserError("usage", `rule ${name} says ${given.length === 0 ? "nothing" : "more than one thing"}`, howToAdd);
  const cluster = await vsphere.cluster(flags.cluster);
  const kind = await kindOf(vsphere, cluster, flags);
  const rule = Rule.create({ name, enabled: flags.disabled !== true, mandatory: flags.should === undefined, rule: kind });
  const added = await vsphere.client(RuleServiceClient).addRule({ requestId: "", cluster, rule });
  const state = added.enabled === false ? (added.disabledReason === "" ? "disabled" : `disabled: ${added.disabledReason}`) : added.inCompliance ? "obeyed" : "not obeyed by what runs now";
  process.stdout.write(`rule ${added.name} is added, key ${added.key}; ${state}\n`);
}

async function kindOf(vsphere: Vsphere, cluster: ManagedObjectReference | undefined, flags: AddFlags): Promise<NonNullable<Rule["rule"]>> {
  if (flags.together !== undefined) return { $case: "affinity", value: { vms: await vmRefs(vsphere, flags.together) } };
  if (flags.apart !== undefined) return { $case: "antiAffinity", value: { vms: await vmRefs(vsphere, flags.apart) } };
  const words = flags.must ?? flags.should ?? [];
  const [vmGroup = "", where = "", hostGroup = ""] = words;
  if (words.length !== 3 || (where !== "on" && where !== "off")) throw new UserError("usage", `"${words.join(" ")}" does not tie VMs to hosts`, howToAdd);
  const [vms, hosts] = [await groupNamed(vsphere, cluster, vmGroup, "vms"), await groupNamed(vsphere, cluster, hostGroup, "hosts")];
  return { $case: "vmHost", value: VmHostRule.create({ vmGroup: vms.name, hostGroup: hosts.name, affine: where === "on" }) };
}

function ruleTable(rules: readonly Rule[], inventory: Inventory, wide: boolean): string {
  if (rules.length === 0) return "there is no rule; add one with: spheresim rule add\n";
  return table(
    ["key", "name", "state", "rule", ...(wide ? ["uuid", "why disabled"] : [])],
    rules.map((rule) => [String(rule.key), rule.name, stateOf(rule), sentence(rule, inventory), ...(wide ? [rule.ruleUuid, rule.disabledReason] : [])]),
    screen().columns,
  );
}

function stateOf({ enabled, disabledReason, inCompliance }: Rule): string {
  if (enabled === false) return disabledReason === "" ? "disabled" : "conflicts";
  return inCompliance ? "obeyed" : "violated";
}

/** The rule as one would say it. */
function sentence({ rule, mandatory }: Rule, inventory: Inventory): string {
  if (rule?.$case === "vmHost") return `${rule.value.vmGroup} ${mandatory ? "must" : "should"} run ${rule.value.affine ? "on" : "off"} ${rule.value.hostGroup}`;
  const names = (rule?.value.vms ?? []).map((vm) => inventory.virtualMachines.find((each) => moid(each.ref) === vm.value)?.config?.name ?? vm.value);
  return `${rule?.$case === "affinity" ? "together" : "apart"}: ${names.join(", ")}`;
}
