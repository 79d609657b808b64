import { InvalidArgumentError } from "commander";
import type { Duration } from "../gen/google/protobuf/duration.js";

/** Reads an option that counts seconds; fractions are seconds too. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0 || value > 1_000_000) throw new InvalidArgumentError("It must be a number of seconds above 0.");
  return value;
}

/**
 * Seconds as protobuf has them.
 *
 * Worked example: 1.5 is `{seconds: 1n, nanos: 500_000_000}`.
 */
export function duration(value: number): Duration {
  const whole = Math.floor(value);
  return { seconds: BigInt(whole), nanos: Math.floor((value - whole) * 1e9) };
}
