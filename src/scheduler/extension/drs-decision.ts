import type { HostVerdict, PlacementResult, SizePodResponse } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";

/** What DRS made of one pod's curated list. */
export interface DrsDecision {
  /** The chosen host's node; undefined when DRS found none. */
  readonly node: string | undefined;
  /** Key of the recommendation; empty without one. */
  readonly recommendationKey: string;
  /** DRS' verdict of each host it was shown. */
  readonly verdicts: readonly HostVerdict[];
  readonly sized: SizePodResponse | undefined;
  /** Where the pool or HA refused: what all would have to change in pool and cluster. */
  readonly wouldFitIf: readonly string[];
  /** Why each node is out, by node; empty reasons never occur. Nodes that would have done are absent. */
  readonly refusals: ReadonlyMap<string, string>;
  /** One sentence: who was chosen, or why nobody. */
  readonly message: string;
}

/** Name of a fault as vim25 writes it: `InsufficientHostMemoryCapacityFault`. */
export function faultName(fault: MethodFault | undefined): string {
  const name = fault?.fault?.$case;
  return name === undefined ? "fault" : name.charAt(0).toUpperCase() + name.slice(1);
}

/** A fault in words: what it says of itself, with its name in front. */
export function faultText(fault: MethodFault | undefined): string {
  const said = fault?.localizedMessage ?? "";
  return said === "" ? faultName(fault) : `${faultName(fault)}: ${said}`;
}

/** The same as one reason of several in a sentence of Kubernetes: without a full stop of its own. */
function reasonText(fault: MethodFault): string {
  return faultText(fault).replace(/\.$/, "");
}

/**
 * Why DRS found no host, for the FailedScheduling event: equal reasons are counted, most frequent first.
 *
 * Example: `DRS found no host for a VM of 4 vCPU and 8192 MB: 2 InsufficientHostCpuCapacityFault: ... , 1 HostNotConnected: ...`.
 */
export function refusalMessage(sized: SizePodResponse | undefined, refusals: ReadonlyMap<string, string>, overall: MethodFault | undefined): string {
  const size = sized?.config === undefined ? "" : ` of ${sized.config.numCpus} vCPU and ${sized.config.memoryMb} MB`;
  const counts = new Map<string, number>();
  for (const reason of refusals.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].sort(([textA, a], [textB, b]) => b - a || (textA < textB ? -1 : 1)).map(([text, count]) => `${count} ${text}`);
  if (reasons.length === 0) reasons.push(faultText(overall));
  return `DRS found no host for a VM${size}: ${reasons.join(", ")}`;
}

/** Reads DRS' answer for one pod. `outside` are nodes that were not shown to it. */
export function readDecision(result: PlacementResult, sized: SizePodResponse | undefined, outside: ReadonlyMap<string, string>): DrsDecision {
  const refusals = new Map(outside);
  for (const { hostName, verdict } of result.verdicts) if (verdict?.$case === "fault") refusals.set(hostName, `DRS: ${reasonText(verdict.value)}`);
  const [best] = result.recommendations;
  const node = best?.actions[0]?.targetHostName;
  if (best === undefined || node === undefined || node === "") {
    const { fault, wouldFitIf = [] } = result.drsFault ?? {};
    return { node: undefined, recommendationKey: "", verdicts: result.verdicts, sized, wouldFitIf, refusals, message: refusalMessage(sized, refusals, fault) };
  }
  const message = best.reasonText === "" ? `DRS recommends ${node}` : `DRS recommends ${node}: ${best.reasonText}`;
  return { node, recommendationKey: best.key, verdicts: result.verdicts, sized, wouldFitIf: [], refusals, message };
}
