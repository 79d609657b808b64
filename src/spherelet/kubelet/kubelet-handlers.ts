import type { ServerResponse } from "node:http";
import { METRICS_TYPE } from "../../base/metric.js";
import type { Pod } from "../../kubernetes/pod.js";
import type { HostUse } from "../stats/host-use.js";
import { resourceMetrics, scrapeFailed } from "../stats/resource-metrics.js";
import { summaryOf } from "../stats/summary.js";
import { sendParts, sendText } from "./kubelet-answer.js";
import { podList, runningPodList } from "./pod-list.js";

/** What the API of a node tells of. */
export interface KubeletFacts {
  /** The pods of the node. */
  readonly pods: () => readonly Pod[];
  /** What they use now; rejects when none of their agents answers. */
  readonly use: () => Promise<HostUse>;
}

/** One request whose caller may make it. */
export interface KubeletRequest {
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly facts: KubeletFacts;
}

export interface KubeletRoute {
  /** Methods that are served; any when absent, as with handlers that do not look. */
  readonly methods?: readonly string[];
  readonly answer: (asked: KubeletRequest) => Promise<void> | void;
}

const JSON_TYPE = "application/json";
const CHECKS = ["ping", "log", "syncloop"];

/** Whether the kubelet is well: it is, while it answers. */
function health({ response, query }: KubeletRequest): void {
  sendText(response, 200, query.has("verbose") ? `${CHECKS.map((check) => `[+]${check} ok\n`).join("")}healthz check passed\n` : "ok");
}

function notServed(what: string): KubeletRoute {
  return { answer: ({ response }) => sendText(response, 501, `${what} of the kubelet API is not implemented by spheresim`) };
}

async function summary({ response, query, facts }: KubeletRequest): Promise<void> {
  let use: HostUse;
  try {
    use = await facts.use();
  } catch (error) {
    return sendText(response, 500, `Internal Error: ${error instanceof Error ? error.message : String(error)}`);
  }
  const only = query.getAll("only_cpu_and_memory");
  await sendParts(response, JSON_TYPE, summaryOf(use, only.length === 1 && only[0] === "true"));
}

async function metrics({ response, facts }: KubeletRequest): Promise<void> {
  // Who scrapes is told of a failure by a metric; everything else is left out.
  const use = await facts.use().catch((): undefined => undefined);
  await sendParts(response, METRICS_TYPE, use === undefined ? scrapeFailed() : resourceMetrics(use));
}

/** Paths that are answered as they are written; what stands behind them with a slash is none. */
const exact: Readonly<Record<string, KubeletRoute>> = {
  "/healthz": { answer: health },
  ...Object.fromEntries(CHECKS.map((check) => [`/healthz/${check}`, { answer: ({ response }: KubeletRequest) => sendText(response, 200, "ok") }])),
  "/metrics/resource": { answer: metrics },
  ...Object.fromEntries(["/metrics", "/metrics/cadvisor", "/metrics/probes", "/metrics/slis", "/configz", "/debug/flags/v"].map((path) => [path, notServed(path)])),
};

/** Paths below a root; a slash at the end is the same path. */
const rooted: Readonly<Record<string, KubeletRoute>> = {
  "/pods": { methods: ["GET"], answer: ({ response, facts }) => sendParts(response, JSON_TYPE, podList(facts.pods())) },
  "/runningpods": { methods: ["GET"], answer: ({ response, facts }) => sendParts(response, JSON_TYPE, runningPodList(facts.pods())) },
  "/stats/summary": { methods: ["GET", "POST"], answer: summary },
};

/** Roots that a kubelet has; below them a path that leads nowhere is told otherwise than elsewhere. */
const roots: ReadonlySet<string> = new Set(["pods", "runningpods", "stats"]);
const unservedRoots: ReadonlySet<string> = new Set(["run", "exec", "attach", "portForward", "containerLogs", "checkpoint", "logs"]);

/** What a kubelet does with a path; undefined where it has none at all, of which it tells also who has not said who he is. */
export function routeOf(path: string): KubeletRoute | undefined {
  if (Object.hasOwn(exact, path)) return exact[path];
  const [, root = "", ...rest] = path.split("/");
  // These have nothing at their root.
  if (unservedRoots.has(root) || path.startsWith("/debug/pprof/")) return rest.length === 0 && root !== "logs" ? undefined : notServed(path);
  if (!roots.has(root)) return undefined;
  const trimmed = path.replace(/\/+$/, "");
  return Object.hasOwn(rooted, trimmed) ? rooted[trimmed] : { answer: ({ response }) => sendText(response, 404, "404: Page Not Found") };
}
