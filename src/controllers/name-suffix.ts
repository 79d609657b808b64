import type { Dice } from "../base/seeded-random.js";

/** Letters that make no words, as upstream's generated names have them. */
export const safeLetters = "bcdfghjklmnpqrstvwxz2456789".split("");

/** Five letters for the end of a generated name. */
export function nameSuffix(dice: Dice): string {
  return Array.from({ length: 5 }, () => dice.pick(safeLetters)).join("");
}
