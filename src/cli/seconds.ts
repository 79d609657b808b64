import { InvalidArgumentError } from "commander";
import { durationSeconds } from "../base/duration-text.js";

/** Reads an option that counts seconds; fractions are seconds too. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0 || value > 1_000_000) throw new InvalidArgumentError("It must be a number of seconds above 0.");
  return value;
}

/** Reads an option that is a duration: `90`, `90s`, `15m`, `1h30m`. Seconds. */
export function durationOption(text: string): number {
  const value = durationSeconds(text);
  if (value === undefined || value <= 0) throw new InvalidArgumentError("It must be a duration such as 90s, 15m or 2h.");
  return value;
}
