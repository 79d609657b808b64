import { answer, PLAIN_TEXT } from "../../rpc/http-answer.js";
import type { HttpHandler } from "../../rpc/listener.js";
import { executeRange } from "../kv/range.js";
import { AlarmType, alarmTypeToJSON, RangeRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { EtcdMetrics } from "./metrics.js";
import type { Room } from "./room.js";

/** One look at the server: undefined if it is well, else why not. */
type Check = () => string | undefined;

/** The checks below `/livez` and `/readyz`, by name (etcd 3.5.11 and later). */
interface Checks {
  readonly livez: ReadonlyMap<string, Check>;
  readonly readyz: ReadonlyMap<string, Check>;
}

/** Answers `/health`, `/livez`, `/readyz` and the paths of single checks below those; undefined for another path. */
export function healthPaths(room: Room, metrics: EtcdMetrics): (path: string) => HttpHandler | undefined {
  const read: Check = () => {
    try {
      executeRange(RangeRequest.create({ key: Buffer.from([0]), limit: 1n, keysOnly: true }), room.store);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const corruption: Check = () => (room.alarms.has(AlarmType.CORRUPT) ? "alarm activated: CORRUPT" : undefined);
  // One member is its own quorum, so both reads are one; it is never a learner.
  const checks: Checks = {
    livez: new Map([["serializable_read", read]]),
    readyz: new Map<string, Check>([["data_corruption", corruption], ["serializable_read", read], ["linearizable_read", read], ["non_learner", () => undefined]]),
  };
  const health = healthPath(read, room, metrics);
  return (path) => {
    if (path === "/health") return health;
    const [, kind, name, ...more] = path.split("/");
    if ((kind !== "livez" && kind !== "readyz") || more.length > 0) return undefined;
    const all = checks[kind];
    if (name === undefined) return checkPath(kind, all, metrics);
    const check = all.get(name);
    return check === undefined ? undefined : checkPath(kind, new Map([[name, check]]), metrics);
  };
}

function healthPath(read: Check, { alarms }: Room, metrics: EtcdMetrics): HttpHandler {
  return (request, response) => {
    const excluded = queryOf(request.url).getAll("exclude");
    const alarm = alarms.list().map((each) => alarmTypeToJSON(each.alarm)).find((name) => !excluded.includes(name));
    const failure = alarm === undefined ? read() : undefined;
    const reason = alarm === undefined ? (failure === undefined ? "" : `RANGE ERROR:${failure}`) : `ALARM ${alarm}`;
    const body = JSON.stringify({ health: String(reason === ""), reason });
    metrics.health(reason === "");
    if (reason === "") answer(response, 200, { "Content-Type": PLAIN_TEXT["Content-Type"] }, body);
    else answer(response, 503, PLAIN_TEXT, `${body}\n`);
  };
}

function checkPath(kind: string, all: ReadonlyMap<string, Check>, metrics: EtcdMetrics): HttpHandler {
  return (request, response) => {
    const query = queryOf(request.url);
    const excluded = all.size > 1 ? query.getAll("exclude") : [];
    let failed = false;
    let report = "";
    for (const [name, check] of all) {
      if (excluded.includes(name)) continue;
      const failure = check();
      failed ||= failure !== undefined;
      report += failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`;
      metrics.healthCheck(kind, name, failure === undefined);
    }
    if (failed) answer(response, 503, PLAIN_TEXT, `${report}\n`);
    else answer(response, 200, PLAIN_TEXT, `${query.has("verbose") ? report : ""}ok\n`);
  };
}

function queryOf(url: string | undefined): URLSearchParams {
  return new URLSearchParams(url?.split("?", 2)[1] ?? "");
}
