import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { type Clock, nextTurn } from "../../base/clock.js";
import { requestTooLarge } from "../errors.js";

export type Request = IncomingMessage | Http2ServerRequest;

/** The largest body that is read. */
export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;
/** Of a body beyond that, so much is let go by over HTTP/2; a client that sends on after its answer is cut off. */
const PASSED_LIMIT_BYTES = 8 * BODY_LIMIT_BYTES;
/** Of a refused body of HTTP/1.1 no more than this is read; Go's net/http: maxPostHandlerReadBytes. */
const LINGER_BYTES = 256 * 1024;
/** A client of HTTP/1.1 that still sends is given so long to read its refusal; Go's net/http: rstAvoidanceDelay. */
const LINGER_MS = 500;

/**
 * The bytes of a request's body, asked for in the turn of the event loop the request came in; rejects with 413 as soon as they are more than
 * the limit, and when the client goes away before the end. What is left of a body that is too large is let go by over HTTP/2; over HTTP/1.1 it
 * is left to `linger`.
 */
export function readBody(request: Request): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= BODY_LIMIT_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(requestTooLarge(BODY_LIMIT_BYTES));
      if (!("stream" in request)) request.off("data", take).pause();
      else if (bytes > PASSED_LIMIT_BYTES) request.stream.close(constants.NGHTTP2_NO_ERROR);
    };
    request.on("data", take);
    const cutOff = (): void => reject(new Error("the client went away before its request was whole"));
    request.on("aborted", cutOff);
    request.on("error", reject);
    request.on("close", cutOff);
    request.on("end", () => {
      const whole = (): void => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      const length = request.headers["content-length"];
      if (length !== undefined) {
        if (Number(length) === bytes) whole();
        else cutOff();
      } else if (bytes > 0 && "stream" in request) {
        // A stream of HTTP/2 that was reset ends like one that is whole, and says so a turn later.
        void nextTurn().then(whole);
      } else whole();
    });
  });
}

/**
 * Resolves when a request of HTTP/1.1 that was refused with its body unread may be closed: when the body is whole or the client has left, after
 * 500 ms at most. Closing at once would reset the connection under a client that still sends, which would then not see its refusal.
 */
export function linger(request: IncomingMessage, monotonic: Clock): Promise<void> {
  if (request.readableEnded || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    const timer = monotonic.timer(LINGER_MS, done);
    request.on("end", done);
    request.on("close", done);
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      // The client's own buffers fill, so it stops sending.
      if (bytes > LINGER_BYTES) request.pause();
    });
    request.resume();
  });
}
