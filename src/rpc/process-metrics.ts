import { readdirSync, readFileSync } from "node:fs";
import { wallClock } from "../base/clock.js";
import { type Metric, ReadCounter, ReadGauge } from "../base/metric.js";

/** What every Prometheus client tells of its process; what needs /proc is left out where there is none. */
export function processMetrics(): Metric[] {
  const startSeconds = Math.round((wallClock().nowMs() / 1000 - process.uptime()) * 1000) / 1000;
  const cpu = new ReadCounter({ name: "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds." }, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const files = openFiles();
  const limit = fileLimit();
  return [
    cpu,
    ...(files === undefined ? [] : [new ReadGauge({ name: "process_open_fds", help: "Number of open file descriptors." }, () => openFiles() ?? 0)]),
    ...(limit === undefined ? [] : [new ReadGauge({ name: "process_max_fds", help: "Maximum number of open file descriptors." }, () => limit)]),
    new ReadGauge({ name: "process_resident_memory_bytes", help: "Resident memory size in bytes." }, () => process.memoryUsage.rss()),
    new ReadGauge({ name: "process_start_time_seconds", help: "Start time of the process since unix epoch in seconds." }, () => startSeconds),
  ];
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

function fileLimit(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
