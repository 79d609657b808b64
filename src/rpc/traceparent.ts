/** The metadata key of W3C Trace Context. */
export const TRACEPARENT = "traceparent";

/** Where a call belongs: the trace is the pod (its UID without dashes), the span is the caller's piece of work. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span that made the call. */
  readonly spanId: string;
}

const SHAPE = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/** The header's value, version 00, sampled. */
export function formatTraceparent(trace: Trace): string {
  return `00-${trace.traceId}-${trace.spanId}-01`;
}

/** Reads the header; undefined where it is absent or not valid, as the standard asks. */
export function parseTraceparent(value: string | undefined): Trace | undefined {
  const match = value === undefined || value.startsWith("ff-") ? null : SHAPE.exec(value);
  if (match === null) return undefined;
  const [, traceId = NO_TRACE, spanId = NO_SPAN] = match;
  return traceId === NO_TRACE || spanId === NO_SPAN ? undefined : { traceId, spanId };
}

/** The trace of a pod: its UID without dashes. */
export function traceIdOfPod(podUid: string): string {
  return podUid.replaceAll("-", "").toLowerCase();
}
