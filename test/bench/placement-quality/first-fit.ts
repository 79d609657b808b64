import type { Scorer } from "../../../src/vcenter/drs/host-score.js";

/** The first host in order of rows that will do: its score is the higher the earlier it stands. */
export function firstFit(hosts: number): Scorer {
  const total = (row: number): number => 100 * (1 - row / hosts);
  return {
    total: (_vm, _hosts, row) => total(row),
    parts: (_vm, _hosts, row) => [{ name: "first fit", value: total(row), weight: 1, raw: row, unit: "percent" }],
  };
}
