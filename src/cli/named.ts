import { UserError } from "../base/user-error.js";

/** An object as a person may name it. */
export interface Names {
  readonly name: string;
  /** Its moid, or another id that is unique; empty when it has none. */
  readonly id: string;
}

/** How many names an error lists. */
const MOST_LISTED = 5;

/**
 * The object of a name or id; for names with dots the first label will do. Throws a UserError that lists near names.
 *
 * Worked example: of esxi-01.lab.test and esxi-02.lab.test, `esxi-01` and `host-8` find the first; `esx-01` finds none and is told of both.
 *
 * @param kind what it is, `host`
 */
export function named<T>(kind: string, wanted: string, all: readonly T[], namesOf: (each: T) => Names): T {
  const matching = [
    all.filter((each) => namesOf(each).id === wanted && wanted !== ""),
    all.filter((each) => namesOf(each).name === wanted),
    all.filter((each) => namesOf(each).name.split(".", 1)[0] === wanted),
  ].find((found) => found.length > 0);
  const [first] = matching ?? [];
  if (first === undefined || matching === undefined) throw new UserError("failed", `no ${kind} is named "${wanted}"; ${suggestion(wanted, all.map((each) => namesOf(each).name))}`);
  if (matching.length > 1) {
    throw new UserError("failed", `${matching.length} ${several(kind)} are named "${wanted}"; name one by id: ${listed(matching.map((each) => namesOf(each).id))}`);
  }
  return first;
}

/** `hosts` of `host`, `pools or VMs` of `pool or VM`, `groups of VMs` of `group of VMs`. */
function several(kind: string): string {
  return kind.includes(" of ") ? kind.replace(" of ", "s of ") : kind.split(" or ").map((each) => `${each}s`).join(" or ");
}

function suggestion(wanted: string, names: readonly string[]): string {
  if (names.length === 0) return "there is none at all";
  const near = nearNames(wanted, names);
  return near.length > 0 ? `near it: ${listed(near)}` : `there are: ${listed(names)}`;
}

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_LISTED;
  return names.slice(0, MOST_LISTED).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}

/** Names that a slip of the finger, or a part of the name, could have meant; the nearest first. */
export function nearNames(wanted: string, names: readonly string[]): string[] {
  const target = wanted.toLowerCase();
  const limit = Math.max(1, Math.floor(target.length / 3));
  const rated = names.map((name) => {
    const short = name.toLowerCase().split(".", 1)[0] ?? "";
    const contains = target.length >= 3 && name.toLowerCase().includes(target);
    return { name, distance: Math.min(editDistance(target, name.toLowerCase()), editDistance(target, short), contains ? limit : Number.POSITIVE_INFINITY) };
  });
  return rated.filter(({ distance }) => distance <= limit).sort((a, b) => a.distance - b.distance).map(({ name }) => name);
}

/**
 * Letters to put in, take out or exchange (Levenshtein).
 *
 * Worked example: from `esx-01` to `esxi-02` it is 2.
 */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
