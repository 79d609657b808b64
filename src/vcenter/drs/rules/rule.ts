/** A rule between VMs: keep them on one host, or each on another. vim25: ClusterAffinityRuleSpec, ClusterAntiAffinityRuleSpec. */
export interface VmVmRule {
  readonly kind: "together" | "apart";
  readonly key: number;
  readonly name: string;
  /** Moids of its VMs. */
  readonly vms: ReadonlySet<string>;
}

/** A rule that ties VMs to hosts, or keeps them off. vim25: ClusterVmHostRuleInfo. */
export interface VmHostRule {
  readonly kind: "vmHost";
  readonly key: number;
  readonly name: string;
  readonly vms: ReadonlySet<string>;
  /** Moids of the hosts of its group. */
  readonly hosts: ReadonlySet<string>;
  /** Whether the VMs belong on the hosts (true) or off them. */
  readonly affine: boolean;
  /** Must, or should. */
  readonly mandatory: boolean;
}

/** A rule with its groups looked up: what DRS weighs. */
export type DrsRule = VmVmRule | VmHostRule;

/** Whether a VM of the rule may be on the host as far as the rule goes. */
export function allowsHost(rule: VmHostRule, host: string): boolean {
  return rule.hosts.has(host) === rule.affine;
}

/** Whether what runs now obeys the rule; `hostsOf` gives the hosts a VM runs on, none for one that is off. vim25: inCompliance. */
export function isObeyed(rule: DrsRule, hostsOf: (vm: string) => readonly string[]): boolean {
  const hosts = [...rule.vms].flatMap((vm) => [...hostsOf(vm)]);
  switch (rule.kind) {
    case "together":
      return new Set(hosts).size <= 1;
    case "apart":
      return new Set(hosts).size === hosts.length;
    case "vmHost":
      return hosts.every((host) => allowsHost(rule, host));
  }
}
