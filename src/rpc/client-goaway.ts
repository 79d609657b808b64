import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { nextTurn } from "../base/clock.js";

/**
 * Answers the calls that come behind their client's GOAWAY, as Go's gRPC server does.
 *
 * A client's GOAWAY is about streams the server would open (RFC 9113, section 6.8), of which gRPC has none. Node's server closes the
 * session at once and refuses what was read with it. Node's client writes a GOAWAY before the requests that were made earlier in the same
 * turn; so with grpc-js, leaving one channel would cost another channel of the same connection an UNAVAILABLE for nothing. A burst of
 * requests takes several reads to come in: the session is closed when a turn has brought no new call and those since the GOAWAY are done.
 *
 * One case is left: as soon as no stream is open, Node (nghttp2) reads a connection that has said GOAWAY no further, so a call that comes
 * later than that is lost. Clients write both at once; that takes a GOAWAY that ends one read and a call that begins the next.
 */
export function answerBehindGoaway(http2: Http2Server): void {
  http2.on("session", (session: ServerHttp2Session) => {
    session.once("goaway", (code: number) => {
      if (code === constants.NGHTTP2_NO_ERROR) closeWhenDone(session);
    });
  });
}

function closeWhenDone(session: ServerHttp2Session): void {
  let open = 0;
  let calm = true;
  const close = async (): Promise<void> => {
    // What was read together is taken in together, one stream after the other.
    do {
      calm = true;
      await nextTurn();
    } while (!calm);
    if (open === 0) session.close();
  };
  session.on("stream", (stream: ServerHttp2Stream) => {
    open += 1;
    calm = false;
    stream.once("close", () => {
      open -= 1;
      if (open === 0) void close();
    });
  });
  // Node tells of the frame and then calls `close`, in one step. This call alone is put off.
  session.close = (): void => {
    Reflect.deleteProperty(session, "close");
    void close();
  };
}
