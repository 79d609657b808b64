const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
/** About 30 years: more is a slip. */
const MOST_SECONDS = 1_000_000_000;

/**
 * Seconds of a duration as people write it; undefined when it is none. A number alone counts seconds.
 *
 * Worked example: `90`, `90s` and `1m30s` are 90; `1d` is 86,400; `soon` and `-5m` are none.
 */
export function durationSeconds(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd]|$)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) return undefined;
  const seconds = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (secondsPer[unit ?? ""] ?? 1), 0);
  return seconds <= MOST_SECONDS ? seconds : undefined;
}
