/** google.protobuf.Timestamp as generated code has it. */
export interface TimestampParts {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** A clock's milliseconds since 1970 as a Timestamp. Example: 1500.25 is `{ seconds: 1n, nanos: 500250000 }`. */
export function toTimestamp(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6)) };
}

/** The reverse of toTimestamp, in milliseconds since 1970. */
export function fromTimestamp(timestamp: TimestampParts): number {
  return Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6;
}

/** google.protobuf.Duration as generated code has it. */
export interface DurationParts {
  seconds: bigint;
  nanos: number;
}

/** Seconds as a Duration. Example: 1.5 is `{ seconds: 1n, nanos: 500000000 }`. */
export function durationParts(seconds: number): DurationParts {
  const whole = Math.floor(seconds);
  return { seconds: BigInt(whole), nanos: Math.floor((seconds - whole) * 1e9) };
}
