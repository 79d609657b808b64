import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "../../../src/base/project-files.js";

/** In what the etcd that judges may answer otherwise than the one we are; the only way in which an answer may differ. */
interface VersionDifference {
  readonly id: string;
  /** First version of the judge that is so; absent: all. */
  readonly since?: string;
  /** First version of each line of releases that answers as we do; lines after the last one do, too. Absent: none yet. */
  readonly until?: readonly string[];
  /** Kind of step and regular expressions of both answers, where the difference is in an answer alone. */
  readonly step?: string;
  readonly ours?: string;
  readonly real?: string;
  readonly what: string;
  /** Where etcd says so. */
  readonly source: string;
}

/** The differences that hold against one version of the real etcd. */
export class VersionDifferences {
  readonly #rules: readonly VersionDifference[];
  readonly #used = new Map<string, number>();

  constructor(realVersion: string) {
    const all = JSON.parse(readFileSync(join(projectDirectory, "test/etcd/differential/version-differences.json"), "utf8")) as VersionDifference[];
    this.#rules = all.filter(({ since, until }) => (since === undefined || compareVersions(realVersion, since) >= 0) && !isSettled(realVersion, until));
  }

  /** How often each difference was met. */
  get used(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#used);
  }

  /** Whether two unequal answers to a step of this kind are accounted for. */
  allowsAnswers(step: string, ours: string, real: string): boolean {
    return this.#use(this.#rules.find((rule) => rule.step === step && rule.ours !== undefined && rule.real !== undefined && new RegExp(rule.ours).test(ours) && new RegExp(rule.real).test(real)));
  }

  /** Whether a difference in behaviour is accounted for. */
  allows(id: string): boolean {
    return this.#use(this.#rules.find((rule) => rule.id === id));
  }

  #use(rule: VersionDifference | undefined): boolean {
    if (rule === undefined) return false;
    this.#used.set(rule.id, (this.#used.get(rule.id) ?? 0) + 1);
    return true;
  }
}

/** Example: settled in 3.4.36 and 3.5.18, so in 3.4.40, 3.5.18 and 3.6.0, and not in 3.4.23 and 3.5.16. */
export function isSettled(version: string, until: readonly string[] | undefined): boolean {
  if (until === undefined) return false;
  const line = (text: string): string => text.split(".").slice(0, 2).join(".");
  const own = until.find((first) => line(first) === line(version));
  return compareVersions(version, own ?? (until.at(-1) as string)) >= 0;
}

/** Below, at or above 0 as version `a` is older than, equal to or newer than `b`; both `3.4.23`. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
