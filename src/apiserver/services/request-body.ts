import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { nextTurn } from "../../base/clock.js";
import { requestTooLarge } from "../errors.js";

export type Request = IncomingMessage | Http2ServerRequest;

/** The largest body that is read. */
export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;
/** Of a body beyond that, so much is let go by; a client that sends on after its answer is cut off. */
const PASSED_LIMIT_BYTES = 8 * BODY_LIMIT_BYTES;

/**
 * The bytes of a request's body, asked for in the turn of the event loop the request came in; rejects with 413 as soon as they are more than
 * the limit, and when the client goes away before the end. What is left of a body that is too large is let go by, so that the answer gets
 * through to a client that is still sending.
 */
export function readBody(request: Request): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_LIMIT_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(requestTooLarge(BODY_LIMIT_BYTES));
      if (bytes > PASSED_LIMIT_BYTES) cutOffSender(request);
    });
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

function cutOffSender(request: Request): void {
  if ("stream" in request) request.stream.close(constants.NGHTTP2_NO_ERROR);
  else request.destroy();
}
