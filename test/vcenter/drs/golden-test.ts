import { test } from "node:test";
import type { Golden } from "./golden.js";

/** A test named after its golden and source. */
export function golden<G extends Golden>(of: G, check: (golden: G) => void | Promise<void>): void {
  test(`${of.name} (${of.source}; ${of.known})`, () => check(of));
}
