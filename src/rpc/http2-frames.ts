/** Types of frames (RFC 9113, section 6). */
export const FrameType = { HEADERS: 1, SETTINGS: 4, PING: 6 } as const;
/** Flag of an answered SETTINGS or PING. */
export const ACK = 1;
/** Bytes of a frame's head. */
export const FRAME_HEAD_BYTES = 9;

/** One frame, head and all. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly bytes: Buffer;
}

/** The frame at the beginning of `bytes`; undefined while it is not whole. */
export function frameAt(bytes: Buffer): Frame | undefined {
  if (bytes.length < FRAME_HEAD_BYTES) return undefined;
  const end = FRAME_HEAD_BYTES + bytes.readUIntBE(0, 3);
  if (bytes.length < end) return undefined;
  return { type: bytes[3] as number, flags: bytes[4] as number, bytes: bytes.subarray(0, end) };
}

/** A frame of the connection as a whole (stream 0). */
export function connectionFrame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

/** The header block in a HEADERS frame, without priority and padding. */
export function headerBlock({ flags, bytes }: Frame): Buffer {
  const padded = (flags & 8) !== 0;
  const start = FRAME_HEAD_BYTES + (padded ? 1 : 0) + ((flags & 32) === 0 ? 0 : 5);
  return bytes.subarray(start, bytes.length - (padded ? (bytes[FRAME_HEAD_BYTES] ?? 0) : 0));
}
