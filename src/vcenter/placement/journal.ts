import type { Clock } from "../../base/clock.js";
import { toTimestamp } from "../../base/timestamp.js";
import { Outcome, StepRecord } from "../../gen/spheresim/emulator/v1/journal.js";
import type { HostVerdict } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import type { StepSink } from "../../kubernetes/pod-steps.js";

/** A step of the article that vCenter took for a pod. */
export interface VcenterStep {
  readonly podUid: string;
  readonly name: string;
  readonly namespace: string;
  /** 4 and 7; 104 and 105 are D4 and D5. */
  readonly step: 4 | 7 | 104 | 105;
  /** Step 4: the method that was called. */
  readonly method?: "PlaceVms" | "PlaceVm";
  readonly startMs: number;
  readonly outcome: "ok" | "unschedulable" | "failed";
  readonly message: string;
  readonly subject: string;
  readonly etcdRevision?: bigint;
  readonly verdicts?: readonly HostVerdict[];
  /** Step 4: the VM as it was judged. */
  readonly sized?: VirtualMachineConfigSpec | undefined;
  /** Step 4, where the pool or HA refuses: what all would have to change. */
  readonly wouldFitIf?: readonly string[];
}

/** The journal shows so many hosts of a decision, the best ones. */
export const MAX_VERDICTS = 64;

const OUTCOMES = { ok: Outcome.OK, unschedulable: Outcome.UNSCHEDULABLE, failed: Outcome.FAILED } as const;
const WIRES = {
  4: { peer: "", wire: "spheresim.vcenter.v1.PlacementService" },
  7: { peer: "hostd", wire: "spheresim.hostd.v1.HostService/CreateVm" },
  104: { peer: "hostd", wire: "spheresim.hostd.v1.HostService/DestroyVm" },
  105: { peer: "etcd", wire: "etcdserverpb.KV/Txn" },
} as const;

/** Notes the steps that vCenter takes. */
export class Journal {
  readonly #sink: StepSink | undefined;
  readonly #clock: Clock;

  constructor(sink: StepSink | undefined, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  /** Whether anybody reads along. */
  get active(): boolean {
    return this.#sink !== undefined;
  }

  /** The start of a step that is about to be taken. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Notes a step that ends now. Only pods have a journal. The attempt is the journal's to count. */
  record(step: VcenterStep): void {
    if (this.#sink === undefined || step.podUid === "") return;
    this.#sink.record({
      ...StepRecord.create(),
      podUid: step.podUid,
      namespace: step.namespace,
      name: step.name,
      step: step.step,
      room: "vcenter",
      peer: WIRES[step.step].peer,
      wire: step.method === undefined ? WIRES[step.step].wire : `${WIRES[step.step].wire}/${step.method}`,
      etcdRevision: step.etcdRevision ?? 0n,
      startTime: toTimestamp(step.startMs),
      endTime: toTimestamp(this.#clock.nowMs()),
      outcome: OUTCOMES[step.outcome],
      message: step.message,
      subject: step.subject,
      hostVerdicts: [...(step.verdicts ?? [])].slice(0, MAX_VERDICTS),
      sized: step.sized,
      wouldFitIf: [...(step.wouldFitIf ?? [])],
    });
  }
}
