import { constants, type Http2Server, type ServerHttp2Session } from "node:http2";
import { nextTurn } from "../base/clock.js";

/**
 * Answers the calls that come right behind their client's GOAWAY, as Go's gRPC server does.
 *
 * A client's GOAWAY is about streams the server would open (RFC 9113, section 6.8), of which gRPC has none. Node's server closes the
 * session at once and refuses what was read with it. Node's client writes a GOAWAY before the requests that were made earlier in the same
 * turn; so with grpc-js, leaving one channel would cost another channel of the same connection an UNAVAILABLE for nothing.
 *
 * A burst of such requests that is too long for one read (64 KiB) is cut: calls of its later reads are refused, unprocessed, and clients
 * try them again elsewhere. To close later is no way out: without open streams Node neither reads on nor ends the connection.
 */
export function answerBehindGoaway(http2: Http2Server): void {
  http2.on("session", (session: ServerHttp2Session) => {
    session.on("goaway", (code: number) => {
      if (code !== constants.NGHTTP2_NO_ERROR) return;
      // Node tells of the frame and then calls `close`, in one step. This call alone is put off, until what was read is taken in; not
      // for longer, as without streams Node no longer reads a connection that has said GOAWAY, and would not see its end.
      session.close = (): void => {
        Reflect.deleteProperty(session, "close");
        void nextTurn().then(() => session.close());
      };
    });
  });
}
