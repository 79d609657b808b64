import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { spawnEtcd } from "../../etcd/spawned-etcd.js";
import { startRealEtcd } from "../../support/real-etcd.js";

/** A server in a process of its own whose use of the machine is looked at. */
export interface Contender {
  readonly name: "etcd" | "ours";
  readonly address: string;
  /** User and system time so far. */
  cpuMs(): number;
  residentMb(): number;
  close(): Promise<void>;
}

const tickMs = 1000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Starts the etcd that is installed and ours, each on a fresh directory under TMPDIR; `nodeOptions` go to ours. */
export async function startContenders(nodeOptions: readonly string[]): Promise<[Contender, Contender]> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-bench-etcd-"));
  const real = await startRealEtcd();
  const ours = await spawnEtcd(directory, "127.0.0.1:0", nodeOptions);
  const close = async (): Promise<void> => {
    await ours.end();
    rmSync(directory, { recursive: true, force: true });
  };
  return [
    { name: "etcd", address: real.address, ...useOf(real.pid), close: () => real.close() },
    { name: "ours", address: ours.address, ...useOf(ours.pid), close },
  ];
}

/** Reads /proc: Linux only. */
export function useOf(pid: number): Pick<Contender, "cpuMs" | "residentMb"> {
  return {
    cpuMs: () => {
      // The name in parentheses may hold anything; fields are counted behind it.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return (Number(fields[11]) + Number(fields[12])) * tickMs;
    },
    residentMb: () => Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024),
  };
}
