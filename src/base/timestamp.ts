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
