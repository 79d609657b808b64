import { nodeLabelProblem } from "../../base/node-label.js";
import type { AddHardwareRequest, HostHardware } from "../../gen/spheresim/hostd/v1/hardware.js";
import { invalidArgument, sameMessage } from "../host-fault.js";
import type { HostSpec } from "../host-spec.js";

const MAX_NAME_LENGTH = 253;
const DNS_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
/** A host's name has a domain: its name alone would not tell it from an address or `localhost`. */
const FQDN = new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})+$`);
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

const MAX_LABELS = 64;

const LIMITS = {
  numCpuCores: { field: "num_cpu_cores", least: 1, most: 1024 },
  cpuMhz: { field: "cpu_mhz", least: 100, most: 10_000 },
  memoryMb: { field: "memory_mb", least: 1024, most: 32 * 1024 * 1024 },
} as const;

/** Refuses hardware that is no ESXi host, or whose Node no API server would take. */
export function requireValidHardware(request: AddHardwareRequest): HostSpec {
  const { name, numCpuCores, cpuMhz, memoryMb, labels } = request;
  requireName(name);
  if (name.length > MAX_NAME_LENGTH || !FQDN.test(name) || IPV4.test(name)) throw invalidArgument("name", `must be a DNS name in lower case with at least one dot, at most ${MAX_NAME_LENGTH} characters, not "${name.slice(0, MAX_NAME_LENGTH)}"`);
  for (const [key, { field, least, most }] of Object.entries(LIMITS)) {
    const value = request[key as keyof typeof LIMITS];
    if (value < least || value > most) throw invalidArgument(field, `must be ${least} to ${most}, not ${value}`);
  }
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) throw invalidArgument("labels", `must be at most ${MAX_LABELS}, not ${entries.length}`);
  for (const [key, value] of entries) {
    const problem = nodeLabelProblem(key, value);
    if (problem !== undefined) throw invalidArgument("labels", problem);
  }
  return { name, cores: numCpuCores, cpuMhz, memoryMb, labels };
}

export function requireName(name: string): void {
  if (name === "") throw invalidArgument("name", "must not be empty");
}

/** Whether a host is made of what is asked for. */
export function isSameHardware(host: HostHardware, spec: HostSpec): boolean {
  const { numCpuCores, cpuMhz, memoryMb, labels } = host;
  return sameMessage({ cores: numCpuCores, cpuMhz, memoryMb, labels }, { cores: spec.cores, cpuMhz: spec.cpuMhz, memoryMb: spec.memoryMb, labels: spec.labels ?? {} });
}
