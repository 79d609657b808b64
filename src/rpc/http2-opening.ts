import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { repairAuthority } from "./authority-repair.js";
import { ACK, connectionFrame, FRAME_HEAD_BYTES, frameAt, FrameType, headerBlock } from "./http2-frames.js";
import { RepairedConnection } from "./repaired-connection.js";

/** What a client sends first (RFC 9113, section 3.4). */
const PREFACE_BYTES = Buffer.byteLength("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Streams a client may open before Node's own settings reach it. */
const FIRST_STREAMS = 100;
/** Held of a connection before its first request is known; who sends more has no such authority. */
const MAX_HELD_BYTES = 128 * 1024;

/**
 * Looks at the first request of a new HTTP/2 connection and hands the connection on: as it is, so that Node reads it natively, or, if
 * the client's authorities need repair (see repairAuthority), as a RepairedConnection.
 *
 * Only Go's gRPC clients send such authorities; they begin with empty settings, and every other client is handed on at once. Go waits for
 * settings before its first request, so it gets some here: a SETTINGS frame whose answer is dropped. Node's own follow, as if the server
 * had changed its mind.
 */
export function openHttp2(connection: Socket, accept: (connection: Duplex) => void): void {
  let seen = Buffer.alloc(0);
  /** What Node is to read: everything but answers to what was sent here. */
  let kept = Buffer.alloc(0);
  let greeted = false;
  let answered = false;
  let first: "unknown" | "good" | "repaired" = "unknown";

  const done = (): void => {
    connection.off("readable", onReadable);
    if (first === "repaired") accept(new RepairedConnection(connection, Buffer.concat([kept, seen])));
    else {
      connection.unshift(Buffer.concat([kept, seen]));
      accept(connection);
    }
  };
  const greet = (): boolean => {
    const settings = frameAt(seen.subarray(PREFACE_BYTES));
    if (settings === undefined && seen.length < PREFACE_BYTES + FRAME_HEAD_BYTES) return false;
    if (settings?.type !== FrameType.SETTINGS || settings.bytes.length > FRAME_HEAD_BYTES) {
      done();
      return false;
    }
    greeted = true;
    kept = seen.subarray(0, PREFACE_BYTES + FRAME_HEAD_BYTES);
    seen = seen.subarray(kept.length);
    const streams = Buffer.alloc(6);
    streams.writeUInt16BE(3, 0);
    streams.writeUInt32BE(FIRST_STREAMS, 2);
    connection.write(connectionFrame(FrameType.SETTINGS, 0, streams));
    return true;
  };
  const onReadable = (): void => {
    for (let chunk = connection.read() as Buffer | null; chunk !== null; chunk = connection.read() as Buffer | null) seen = Buffer.concat([seen, chunk]);
    if (!greeted && !greet()) return;
    for (let frame = frameAt(seen); frame !== undefined && !(answered && first !== "unknown"); frame = frameAt(seen)) {
      seen = seen.subarray(frame.bytes.length);
      if (frame.type === FrameType.SETTINGS && (frame.flags & ACK) !== 0 && !answered) answered = true;
      else if (frame.type === FrameType.PING && (frame.flags & ACK) === 0) connection.write(connectionFrame(FrameType.PING, ACK, frame.bytes.subarray(FRAME_HEAD_BYTES)));
      else {
        if (frame.type === FrameType.HEADERS) {
          // Every one that is held, or those behind the first would reach Node as they are.
          const repaired = repairAuthority(headerBlock(frame));
          if (first === "unknown" || repaired) first = repaired ? "repaired" : "good";
        }
        kept = Buffer.concat([kept, frame.bytes]);
      }
    }
    if (answered && first !== "unknown") done();
    else if (kept.length + seen.length > MAX_HELD_BYTES) connection.destroy();
  };
  connection.on("readable", onReadable);
}
