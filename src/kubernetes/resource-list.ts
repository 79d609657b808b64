import { Quantity } from "../base/quantity.js";

/** `core/v1 ResourceList`, read: resource name to amount. Names an object leaves out are absent, which differs from 0. */
export type Quantities = ReadonlyMap<string, Quantity>;

/** Reads a list as it stands in an object. */
export function readQuantities(list: Readonly<Record<string, string>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));
}

/** The list as it stands in an object, names in order. */
export function writeQuantities(list: Quantities): Record<string, string> {
  return Object.fromEntries([...list].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, amount]) => [name, amount.toString()]));
}

/** Both together; a name that only one has keeps its amount. */
export function addQuantities(a: Quantities, b: Quantities): Map<string, Quantity> {
  const sum = new Map(a);
  for (const [name, amount] of b) sum.set(name, sum.get(name)?.add(amount) ?? amount);
  return sum;
}

/** The greater of each. */
export function maxQuantities(a: Quantities, b: Quantities): Map<string, Quantity> {
  const greater = new Map(a);
  for (const [name, amount] of b) greater.set(name, greater.get(name)?.max(amount) ?? amount);
  return greater;
}

/** Only the names given. */
export function maskQuantities(list: Quantities, names: Iterable<string>): Map<string, Quantity> {
  const kept = new Map<string, Quantity>();
  for (const name of names) {
    const amount = list.get(name);
    if (amount !== undefined) kept.set(name, amount);
  }
  return kept;
}

/** Same names, same amounts, however they are written. */
export function areSameQuantities(a: Quantities, b: Quantities): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name)?.compare(amount) === 0);
}
