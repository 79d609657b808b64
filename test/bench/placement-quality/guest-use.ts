import type { Amount } from "../../../src/vcenter/drs/amount.js";

/** What a guest wants of its host over time: the truth of the replay, of which placers see only what they can see. */
export type GuestUse =
  | { readonly kind: "constant"; readonly always: Amount }
  | { readonly kind: "dailyWave"; readonly low: Amount; readonly high: Amount; readonly peakHour: number }
  | { readonly kind: "idleAfter"; readonly busy: Amount; readonly idle: Amount; /** Second of the replay at which it ends. */ readonly untilS: number };

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/**
 * What is wanted at second `nowS` of the replay, which begins at midnight; whole MHz and MB.
 *
 * Example: a wave from 200 to 1,000 MHz with its peak at 14: at 14:00 1,000, at 2:00 200, at 8:00 and 20:00 600.
 */
export function useAt(use: GuestUse, nowS: number): Amount {
  switch (use.kind) {
    case "constant":
      return use.always;
    case "idleAfter":
      return nowS < use.untilS ? use.busy : use.idle;
    case "dailyWave": {
      const height = (1 + Math.cos((2 * Math.PI * (nowS - use.peakHour * HOUR_S)) / DAY_S)) / 2;
      const at = (low: number, high: number): number => Math.round(low + (high - low) * height);
      return { cpuMhz: at(use.low.cpuMhz, use.high.cpuMhz), memoryMb: at(use.low.memoryMb, use.high.memoryMb) };
    }
  }
}
