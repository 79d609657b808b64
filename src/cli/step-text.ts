import { Outcome, type StepRecord } from "../gen/spheresim/emulator/v1/journal.js";

/** What each step is, in the words of the article. */
const titles: Readonly<Record<number, string>> = {
  1: "manifest reaches the API server",
  2: "pod stored in etcd, watchers told",
  3: "kube-scheduler filters the nodes",
  4: "DRS picks a host from the list",
  5: "the recommendation comes back",
  6: "binding stored in etcd",
  7: "HostD creates and powers on the VM",
  8: "VMX, VMM, kernel; CRX init waits",
  9: "VM id returns to the scheduler",
  10: "VM id stored in etcd",
  11: "lifecycle calls the Spherelet",
  12: "personality, network, storage",
  13: "agent starts the containers",
  14: "status stored in etcd",
  101: "deletion asked for",
  102: "containers stopped",
  103: "final status, grace 0",
  104: "VM powered off and destroyed",
  105: "VM and owner records removed",
  106: "finalizer removed",
};

/** The step's name: `8` or, on the way back, `D2`. */
export function stepName(step: number): string {
  return step > 100 ? `D${step - 100}` : String(step);
}

/** The step in words. */
export function stepTitle(step: number): string {
  return titles[step] ?? "";
}

/** Milliseconds since 1970 of a record's end (or of its start, while it has none). */
export function endMs(record: StepRecord): number {
  const time = record.endTime ?? record.startTime;
  return time === undefined ? 0 : Number(time.seconds) * 1000 + time.nanos / 1e6;
}

/** Milliseconds since 1970 of a record's start. */
export function startMs(record: StepRecord): number {
  const time = record.startTime ?? record.endTime;
  return time === undefined ? 0 : Number(time.seconds) * 1000 + time.nanos / 1e6;
}

/** Columns of a line when standard output is no terminal. */
const defaultColumns = 120;
/** Columns of the longest title. */
const titleWidth = 34;
/** Where there is less room for what a step is about, it is left out: a few letters say nothing. */
const leastAbout = 12;

/** How a step ended, in one character. */
const marks: Readonly<Partial<Record<Outcome, string>>> = { [Outcome.FAILED]: "✗", [Outcome.UNSCHEDULABLE]: "–", [Outcome.SKIPPED]: "·" };

/** One line of a followed placement: pod, step, when it began, room, what, about what; cut to the width of the terminal. */
export function stepLine(record: StepRecord, podWidth: number, originMs: number, columns = process.stdout.columns ?? defaultColumns): string {
  const mark = marks[record.outcome] ?? "✓";
  const at = `+${Math.max(0, startMs(record) - originMs).toFixed(0)} ms`.padStart(9);
  const about = record.outcome === Outcome.OK && record.subject !== "" ? record.subject : record.message;
  const what = `${record.name.padEnd(podWidth)} ${stepName(record.step).padStart(3)} ${mark} ${at}  ${record.room.padEnd(10)} ${stepTitle(record.step).padEnd(titleWidth)}`;
  const line = columns - what.length > leastAbout ? `${what} ${about}`.trimEnd() : what.trimEnd();
  return line.length > columns && columns > 40 ? `${line.slice(0, columns - 1)}…` : line;
}
