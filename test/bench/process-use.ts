import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ReadyLine } from "../../src/base/ready-line.js";
import { processOf } from "../support/process-of-room.js";

/** What a process has used since it began, and holds now. */
export interface ProcessUse {
  readonly pid: number;
  /** User and system time. */
  readonly cpuMs: number;
  readonly residentMb: number;
}

/** The processes of an emulator by name. */
export type ProcessUses = Readonly<Record<string, ProcessUse>>;

const planes = ["store", "vsphere", "esxi", "kubernetes"];
/** Time of one tick of /proc/<pid>/stat; 10 ms nearly everywhere. */
const tickMs = 1000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Reads /proc: Linux only. */
export function processUses({ pid: daemon }: Pick<ReadyLine, "pid">, names = planes): ProcessUses {
  const pids = [...names.map((plane) => [plane, processOf(daemon, plane)] as const), ["daemon", daemon] as const];
  return Object.fromEntries(pids.map(([name, pid]) => [name, useOf(name, pid)]));
}

/** CPU time by process between two readings, divided by a number of things done. */
export function cpuSince(before: ProcessUses, after: ProcessUses, things: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(after).map(([name, { cpuMs }]) => [name, (cpuMs - (before[name]?.cpuMs ?? 0)) / things]));
}

function useOf(name: string, pid: number | undefined): ProcessUse {
  if (pid === undefined) throw new Error(`no process ${name} of the emulator is found in /proc; the benchmark needs Linux`);
  // The name in parentheses may hold anything; fields are counted behind it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return { pid, cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs, residentMb: Math.round(Number(resident?.[1] ?? 0) / 1024) };
}
