/** What a container does, by its starts: exit codes, of which the last counts on; "stays" does not end by itself. Times are milliseconds. */
export interface Script {
  readonly name: string;
  readonly exits: readonly (number | "stays")[];
  readonly exitsAfterMs: number;
  /** Liveness, asked every 3 s, fails from then on; the second failure in a row kills with 143. */
  readonly sickAfterMs: number | undefined;
  /** Readiness, asked every 5 s, succeeds from then on. */
  readonly readyAfterMs: number | undefined;
}

export interface ModelPod {
  readonly policy: "Always" | "OnFailure" | "Never";
  readonly inits: readonly Script[];
  readonly sidecars: readonly Script[];
  readonly apps: readonly Script[];
}

/** What a status says of one container. `none`: never started. `over`: no start follows. */
export interface Seen {
  readonly kind: "none" | "running" | "ended" | "backoff";
  readonly exitCode: number;
  readonly restarts: number;
  readonly ready: boolean;
  readonly over: boolean;
  /** Starts so far. */
  readonly starts: number;
}

const none = (restarts: number): Seen => ({ kind: "none", exitCode: 0, restarts, ready: false, over: false, starts: 0 });

/** A container at time `t` that first started at `from`, if nothing from outside stops it: its lives one after the other. */
function containerAt(script: Script, policy: ModelPod["policy"], isInit: boolean, restarts: number, from: number, t: number): Seen & { readonly overAt: number } {
  let start = from;
  let wait = 0;
  for (let starts = 1; ; starts += 1) {
    const outcome = script.exits[Math.min(restarts, script.exits.length - 1)] ?? "stays";
    const exitAt = outcome === "stays" ? Infinity : start + script.exitsAfterMs;
    const killAt = script.sickAfterMs === undefined ? Infinity : start + 3_000 * (Math.ceil(script.sickAfterMs / 3_000) + 1);
    const end = Math.min(exitAt, killAt);
    const exitCode = killAt < exitAt || outcome === "stays" ? 143 : outcome;
    const readyAt = script.readyAfterMs === undefined ? start : start + 5_000 * Math.ceil(script.readyAfterMs / 5_000);
    if (t < end) return { kind: "running", exitCode: 0, restarts, ready: !isInit && t >= readyAt, over: false, starts, overAt: Infinity };
    const over = isInit ? exitCode === 0 || policy === "Never" : policy === "Never" || (policy === "OnFailure" && exitCode === 0);
    if (over) return { kind: "ended", exitCode, restarts, ready: isInit && exitCode === 0, over, starts, overAt: end };
    // The first restart of all is at once; ten minutes of running forgive.
    if (wait > 0 && end - start > 600_000) wait = 0;
    if (t < end + wait) return { kind: "backoff", exitCode, restarts, ready: false, over: false, starts, overAt: Infinity };
    start = end + wait;
    wait = wait === 0 ? 10_000 : Math.min(300_000, wait * 2);
    restarts += 1;
  }
}

/** The pod at time `t`, begun at `from`, by container; `restarts` and `kept` are what former lives of the VM left. */
export function podAt(pod: ModelPod, from: number, t: number, restarts: ReadonlyMap<string, number>, kept: ReadonlyMap<string, Seen>): ReadonlyMap<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { name } of [...pod.sidecars, ...pod.inits, ...pod.apps]) seen.set(name, kept.get(name) ?? none(restarts.get(name) ?? 0));
  const at = (script: Script, policy: ModelPod["policy"], isInit: boolean, begin: number, when = t) => containerAt(script, policy, isInit, restarts.get(script.name) ?? 0, begin, when);
  for (const script of pod.sidecars) seen.set(script.name, at(script, "Always", false, from));
  let begin = from;
  let failed = false;
  for (const script of pod.inits) {
    const state = at(script, pod.policy, true, begin);
    seen.set(script.name, state);
    failed = state.over && state.exitCode !== 0;
    if (!state.over || failed) {
      begin = failed ? state.overAt : Infinity;
      break;
    }
    begin = state.overAt;
  }
  let endsAt = failed ? begin : -Infinity;
  if (!failed && begin < Infinity) {
    for (const script of pod.apps) {
      if (kept.has(script.name)) continue;
      const state = at(script, pod.policy, false, begin);
      seen.set(script.name, state);
      endsAt = Math.max(endsAt, state.overAt);
    }
  } else if (!failed) endsAt = Infinity;
  if (endsAt <= t) for (const script of pod.sidecars) seen.set(script.name, stopped(at(script, "Always", false, from, Math.max(from, endsAt))));
  return seen;
}

/** Somebody stops it: what runs obeys TERM at once, what waits stays as it last ended. */
export function stopped(state: Seen): Seen {
  if (state.kind === "none") return state;
  return { ...state, kind: "ended", exitCode: state.kind === "running" ? 143 : state.exitCode, ready: state.ready && state.kind === "ended", over: true };
}

/**
 * Somebody stops the pod: what was never started has ended with 137, nobody knows how; what had no turn yet waits on. Init containers had
 * theirs up to the last that was started once, containers when one of them was.
 */
export function stoppedPod(pod: ModelPod, before: ReadonlyMap<string, Seen>): ReadonlyMap<string, Seen> {
  const wasTried = ({ name }: Script): boolean => before.get(name)?.kind !== "none" || (before.get(name)?.restarts ?? 0) > 0;
  const inits = [...pod.sidecars, ...pod.inits];
  const hadTurn = [...inits.slice(0, Math.max(0, inits.findLastIndex(wasTried)) + 1), ...(inits.length === 0 || pod.apps.some(wasTried) ? pod.apps : [])].map(({ name }) => name);
  return new Map([...before].map(([name, seen]) => [name, seen.kind === "none" && hadTurn.includes(name) ? { ...seen, kind: "ended", exitCode: 137, over: true } : stopped(seen)]));
}

/** The phase by the states of its containers, and whether the pod is ready. */
export function phaseAt(pod: ModelPod, seen: ReadonlyMap<string, Seen>, deleted: boolean): string {
  const of = (scripts: readonly Script[]): Seen[] => scripts.map(({ name }) => seen.get(name) as Seen);
  const apps = of(pod.apps);
  if (of(pod.inits).some((init) => init.exitCode !== 0 && (init.over || deleted) && init.kind !== "none")) return "Failed";
  // One that ended well in a former life is there from the start; then the others need only come again.
  const isBack = apps.some(({ kind }) => kind !== "none") && apps.every(({ kind, restarts }) => kind !== "none" || restarts > 0);
  if (apps.some(({ kind }) => kind === "none") && !isBack) return deleted ? "Failed" : "Pending";
  if (apps.every(({ over }) => over)) return apps.every(({ exitCode }) => exitCode === 0) ? "Succeeded" : "Failed";
  return [...of(pod.sidecars), ...apps].every(({ ready }) => ready) ? "Running, ready" : "Running";
}
