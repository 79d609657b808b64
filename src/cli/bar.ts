/** What of a capacity is reserved, entitled and active; all in one unit. Absent is not known. */
export interface Use {
  readonly reserved: number | undefined;
  readonly entitled?: number | undefined;
  readonly active: number | undefined;
  readonly capacity: number;
}

const blocks = { reserved: "█", active: "▒", entitled: "┃", free: "·" };
const ascii = { reserved: "#", active: "=", entitled: "|", free: "." };

/**
 * A bar of `cells` characters in brackets: the reserved part, what is active beyond it, and a mark where the entitlement ends.
 *
 * Worked example: of 100, 30 reserved, 80 entitled and 60 active are `[███▒▒▒·┃··]` in 10 cells.
 */
export function bar({ reserved, entitled, active, capacity }: Use, cells: number, unicode = true): string {
  const signs = unicode ? blocks : ascii;
  const upTo = (amount: number | undefined): number => (capacity <= 0 ? 0 : Math.min(cells, Math.round(((amount ?? 0) / capacity) * cells)));
  const full = upTo(reserved);
  const used = Math.max(0, upTo(active) - full);
  const drawn = signs.reserved.repeat(full) + signs.active.repeat(used) + signs.free.repeat(cells - full - used);
  const end = upTo(entitled);
  return `[${end === 0 ? drawn : drawn.slice(0, end - 1) + signs.entitled + drawn.slice(end)}]`;
}

/** What the signs of a bar mean. */
export function legend(unicode: boolean): string {
  const signs = unicode ? blocks : ascii;
  return `${signs.reserved} reserved   ${signs.active} active beyond that   ${signs.entitled} entitled`;
}
