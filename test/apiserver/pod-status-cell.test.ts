import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { podStatusText } from "../../src/apiserver/printing/pod-cells.js";
import { goldenPods } from "../spherelet/golden-pods.js";

/** State of a container in short: `running`, `starting` (not ready), `waiting REASON`, `REASON EXIT_CODE`. */
function statusOf(name: string, words: string, sidecar: boolean): object {
  const [first = "", second = ""] = words.split(" ");
  if (first === "running") return { name, ready: true, started: true, state: { running: {} } };
  if (first === "starting") return { name, ready: false, started: !sidecar, state: { running: {} } };
  if (first === "waiting") return { name, ready: false, state: { waiting: { reason: second } } };
  return { name, ready: false, state: { terminated: { reason: first, exitCode: Number(second) } } };
}

interface Row {
  /** What kubectl prints (printPod of pkg/printers/internalversion). */
  readonly cell: string;
  readonly phase: string;
  readonly reason?: string;
  /** Init containers in order; `s:` before the words of a sidecar. */
  readonly init?: readonly string[];
  readonly app?: readonly string[];
  /** Conditions that are true. */
  readonly is?: readonly string[];
  readonly deleted?: true;
}

const rows: readonly Row[] = [
  { cell: "Pending", phase: "Pending" },
  { cell: "ContainerCreating", phase: "Pending", app: ["waiting ContainerCreating"] },
  { cell: "PodInitializing", phase: "Pending", init: ["Completed 0"], app: ["waiting PodInitializing"] },
  { cell: "Init:0/2", phase: "Pending", init: ["waiting PodInitializing", "waiting PodInitializing"], app: ["waiting PodInitializing"] },
  { cell: "Init:0/1", phase: "Pending", init: ["starting"], app: ["waiting PodInitializing"] },
  { cell: "Init:1/2", phase: "Pending", init: ["Completed 0", "starting"], app: ["waiting PodInitializing"] },
  { cell: "Init:Error", phase: "Pending", init: ["Error 1"], app: ["waiting PodInitializing"] },
  { cell: "Init:OOMKilled", phase: "Pending", init: ["OOMKilled 137"], app: ["waiting PodInitializing"] },
  { cell: "Init:CrashLoopBackOff", phase: "Pending", init: ["waiting CrashLoopBackOff"], app: ["waiting PodInitializing"] },
  { cell: "Init:ErrImagePull", phase: "Pending", init: ["waiting ErrImagePull"], app: ["waiting PodInitializing"] },
  { cell: "Init:Error", phase: "Failed", init: ["Error 1"], app: ["waiting PodInitializing"] },
  { cell: "PodInitializing", phase: "Pending", init: ["s:running"], app: ["waiting PodInitializing"] },
  { cell: "Init:0/1", phase: "Pending", init: ["s:starting"], app: ["waiting PodInitializing"] },
  { cell: "Init:CrashLoopBackOff", phase: "Running", init: ["s:waiting CrashLoopBackOff"], app: ["running"], is: ["Initialized"] },
  { cell: "CrashLoopBackOff", phase: "Running", init: ["s:waiting CrashLoopBackOff"], app: ["waiting CrashLoopBackOff"], is: ["Initialized"] },
  { cell: "Completed", phase: "Succeeded", init: ["s:Error 143"], app: ["Completed 0"], is: ["Initialized"] },
  { cell: "Running", phase: "Running", app: ["running"], is: ["Ready"] },
  { cell: "Running", phase: "Running", app: ["starting"] },
  { cell: "Running", phase: "Running", app: ["Completed 0", "running"], is: ["Ready"] },
  { cell: "NotReady", phase: "Running", app: ["Completed 0", "running"] },
  { cell: "Error", phase: "Running", app: ["Error 1", "running"] },
  { cell: "Error", phase: "Failed", app: ["Error 1", "Completed 0"] },
  { cell: "CrashLoopBackOff", phase: "Running", app: ["waiting CrashLoopBackOff", "running"] },
  { cell: "ErrImagePull", phase: "Pending", app: ["waiting ErrImagePull"] },
  { cell: "ImagePullBackOff", phase: "Pending", app: ["waiting ImagePullBackOff", "waiting ContainerCreating"] },
  { cell: "InvalidImageName", phase: "Pending", app: ["waiting InvalidImageName"] },
  { cell: "CreateContainerError", phase: "Pending", app: ["waiting CreateContainerError"] },
  { cell: "CreateContainerConfigError", phase: "Pending", app: ["waiting CreateContainerConfigError"] },
  { cell: "RunContainerError", phase: "Pending", app: ["waiting RunContainerError"] },
  { cell: "Completed", phase: "Succeeded", app: ["Completed 0"] },
  { cell: "OOMKilled", phase: "Failed", app: ["OOMKilled 137"] },
  { cell: "StartError", phase: "Failed", app: ["StartError 128"] },
  { cell: "ContainerStatusUnknown", phase: "Failed", app: ["ContainerStatusUnknown 137"] },
  { cell: "Unknown", phase: "Failed", app: ["Unknown 255"] },
  { cell: "DeadlineExceeded", phase: "Failed", reason: "DeadlineExceeded", app: [] },
  { cell: "Error", phase: "Failed", reason: "DeadlineExceeded", app: ["Error 143"] },
  { cell: "ProviderFailed", phase: "Failed", reason: "ProviderFailed" },
  { cell: "PodVMAnnotationsMissing", phase: "Pending", reason: "PodVMAnnotationsMissing" },
  { cell: "AgentUnreachable", phase: "Running", reason: "AgentUnreachable", app: ["running"] },
  { cell: "OutOfcpu", phase: "Failed", reason: "OutOfcpu" },
  { cell: "NodeAffinity", phase: "Failed", reason: "NodeAffinity" },
  { cell: "UnexpectedAdmissionError", phase: "Failed", reason: "UnexpectedAdmissionError" },
  { cell: "Evicted", phase: "Failed", reason: "Evicted" },
  { cell: "Terminating", phase: "Running", app: ["running"], deleted: true },
  { cell: "Terminating", phase: "Pending", init: ["starting"], app: ["waiting PodInitializing"], deleted: true },
  { cell: "Completed", phase: "Succeeded", app: ["Completed 0"], deleted: true },
  { cell: "Unknown", phase: "Running", reason: "NodeLost", app: ["running"], deleted: true },
  { cell: "NodeLost", phase: "Running", reason: "NodeLost", app: ["running"] },
];

describe("the status cell of a pod, state by state", () => {
  for (const { cell, phase, reason, init = [], app = [], is = [], deleted } of rows) {
    test(`${cell}: ${[phase, reason, ...init, ...app, ...is, deleted && "deleted"].filter(Boolean).join(", ")}`, () => {
      const inits = init.map((words, index) => ({ name: `i${index}`, sidecar: words.startsWith("s:"), words: words.replace("s:", "") }));
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", ...(deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
        spec: { containers: app.map((_, index) => ({ name: `c${index}` })), initContainers: inits.map(({ name, sidecar }) => ({ name, ...(sidecar ? { restartPolicy: "Always" } : {}) })) },
        status: {
          phase,
          reason,
          conditions: is.map((type) => ({ type, status: "True" })),
          initContainerStatuses: inits.map(({ name, words, sidecar }) => statusOf(name, words, sidecar)),
          containerStatuses: app.map((words, index) => statusOf(`c${index}`, words, false)),
        },
      };
      assert.equal(podStatusText(pod), cell);
    });
  }
});

test("every reason that the golden pairs show has a row", () => {
  const words = goldenPods().flatMap(({ lines }) => [...lines.matchAll(/waiting ([A-Z]\w+)|[:;] \w+ ([A-Z]\w+) \d+|(?:Failed|Running|Pending|Succeeded) \((\w+)\)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? ""));
  const told = new Set(rows.flatMap(({ cell, reason }) => [cell, cell.replace("Init:", ""), reason ?? ""]));
  assert.ok(words.length > 50, "the pairs were read");
  assert.deepEqual([...new Set(words)].filter((word) => !told.has(word)), []);
});
