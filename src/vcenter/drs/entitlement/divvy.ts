import type { Bounds } from "./bounds.js";

/** A rest below this part of what is divided is rounding of floating-point sums. */
const NEGLIGIBLE = 1e-12;

/**
 * Divides an amount of one resource among siblings (water-filling). Everyone gets its floor; the rest goes out in proportion to shares;
 * who has reached its cap leaves, and what it could not take is divided again among the others, until nobody leaves. Beyond its knee a
 * sibling's shares count only 1 / `idleCost`: idle memory costs more (idle memory tax). Siblings without shares get what nobody else can
 * take, as if each had one. Where the floors do not fit, everyone gets the same part of its floor.
 *
 * What is given sums to the lesser of `amount` and the sum of the caps, within 1e-9 of it.
 *
 * Example (F. Denneman, Distribution of resources based on shares): 200 GB, Gold has four times the shares of Bronze. First 160 and 40;
 * Bronze demands 25 and returns 15, so 175 and 25.
 *
 * All siblings stand at one water level L: each has floor + shares * L, within its bounds. Each round sets L where the rest would be
 * used up if nobody reached a bound. As what is given grows ever slower with L (a concave, piecewise linear function, of which this is
 * Newton's method from the left), L never overshoots, and each round divides the product of the rest and of the shares still in play by
 * four or more. So there are at most some 50 rounds for any int32 settings, and as a rule some ten, each linear in the siblings left.
 *
 * `rows` from `from` to before `to` name the siblings and are reordered; `shares` of siblings without any may be overwritten.
 */
export function divvy(amount: number, rows: Int32Array, from: number, to: number, { floor, knee, cap }: Bounds, shares: Float64Array, idleCost: number, given: Float64Array): void {
  let floors = 0;
  let caps = 0;
  for (let at = from; at < to; at += 1) {
    const row = rows[at] as number;
    floors += floor[row] as number;
    caps += cap[row] as number;
  }
  if (amount >= caps) {
    for (let at = from; at < to; at += 1) given[rows[at] as number] = cap[rows[at] as number] as number;
    return;
  }
  if (amount <= floors) {
    const part = floors === 0 ? 0 : amount / floors;
    for (let at = from; at < to; at += 1) given[rows[at] as number] = (floor[rows[at] as number] as number) * part;
    return;
  }

  let open = to;
  let settled = 0;
  let level = 0;
  let lastSlope = Infinity;
  for (;;) {
    let poured = 0;
    let slope = 0;
    for (let at = from; at < open; ) {
      const row = rows[at] as number;
      const most = cap[row] as number;
      let steepness = shares[row] as number;
      const toKnee = (knee[row] as number) - (floor[row] as number);
      const rise = steepness * level;
      let has: number;
      if (rise < toKnee) has = (floor[row] as number) + rise;
      else {
        has = (knee[row] as number) + (rise - toKnee) / idleCost;
        steepness /= idleCost;
      }
      if (has >= most) {
        given[row] = most;
        settled += most;
        open -= 1;
        rows[at] = rows[open] as number;
        rows[open] = row;
        continue;
      }
      given[row] = has;
      poured += has;
      slope += steepness;
      at += 1;
    }
    const rest = amount - settled - poured;
    if (open === from || rest <= NEGLIGIBLE * amount) return;
    if (slope === 0) {
      // Only siblings without shares are left, all at their floor.
      for (let at = from; at < open; at += 1) shares[rows[at] as number] = 1;
      level = 0;
      lastSlope = Infinity;
      continue;
    }
    // Nobody has passed a bound since the last round: L was exact, what is left is rounding.
    if (slope === lastSlope) return;
    lastSlope = slope;
    level += rest / slope;
  }
}
