import type { WatchCreateRequest_FilterType } from "../../../src/gen/etcd/etcdserverpb/rpc.js";
import type { Call } from "./operation.js";

/** A watch as plain data; see Call. Key and end are Latin-1. */
export interface WatchFields {
  readonly key: string;
  readonly rangeEnd?: string;
  /** 0 for "from now on". */
  readonly startRevision: number;
  readonly watchId: number;
  readonly filters: readonly WatchCreateRequest_FilterType[];
  readonly prevKv?: boolean;
  readonly fragment?: boolean;
  readonly progressNotify?: boolean;
}

/** Something done to one of the watch streams that each side has open. */
export type WatchStep =
  | { readonly kind: "watch"; readonly stream: number; readonly fields: WatchFields }
  | { readonly kind: "cancel"; readonly stream: number; readonly watchId: number }
  | { readonly kind: "progress" | "reopen"; readonly stream: number };

/** One step of a differential run. */
export type Step = Call | WatchStep;

/** Fields that may be left out where they are 0 or empty. */
const OPTIONAL: ReadonlySet<string> = new Set(["lease", "limit", "sortOrder", "sortTarget", "minModRevision", "maxModRevision", "minCreateRevision", "maxCreateRevision", "rangeEnd"]);

/** One line that a later run can read again with `readSteps`; fields that say nothing are left out. */
export function stepText(step: Step): string {
  const short = (name: string, value: unknown): unknown => (value === false || (OPTIONAL.has(name) && (value === 0 || value === "")) ? undefined : value);
  return JSON.stringify(step, short).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Steps from lines of stepText; other lines are passed over. */
export function readSteps(text: string): Step[] {
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Step);
}

/** Whether a step is for a watch stream. */
export function isWatchStep(step: Step): step is WatchStep {
  return step.kind === "watch" || step.kind === "cancel" || step.kind === "progress" || step.kind === "reopen";
}
