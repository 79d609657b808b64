import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { type Clock, nextTurn } from "../base/clock.js";
import { RpcCode, type RpcError } from "../base/rpc-error.js";
import { answer } from "./http-answer.js";
import { escaped } from "./json-writer.js";
import type { MessageSink } from "./stream-writer.js";

/** HTTP statuses of gRPC codes as grpc-gateway 1.16 gives them; FAILED_PRECONDITION is no 412 there. */
const STATUS: Readonly<Record<RpcCode, readonly [number, string]>> = {
  [RpcCode.OK]: [200, "OK"],
  [RpcCode.CANCELLED]: [408, "Request Timeout"],
  [RpcCode.UNKNOWN]: [500, "Internal Server Error"],
  [RpcCode.INVALID_ARGUMENT]: [400, "Bad Request"],
  [RpcCode.DEADLINE_EXCEEDED]: [504, "Gateway Timeout"],
  [RpcCode.NOT_FOUND]: [404, "Not Found"],
  [RpcCode.ALREADY_EXISTS]: [409, "Conflict"],
  [RpcCode.PERMISSION_DENIED]: [403, "Forbidden"],
  [RpcCode.RESOURCE_EXHAUSTED]: [429, "Too Many Requests"],
  [RpcCode.FAILED_PRECONDITION]: [400, "Bad Request"],
  [RpcCode.ABORTED]: [409, "Conflict"],
  [RpcCode.OUT_OF_RANGE]: [400, "Bad Request"],
  [RpcCode.UNIMPLEMENTED]: [501, "Not Implemented"],
  [RpcCode.INTERNAL]: [500, "Internal Server Error"],
  [RpcCode.UNAVAILABLE]: [503, "Service Unavailable"],
  [RpcCode.DATA_LOSS]: [500, "Internal Server Error"],
  [RpcCode.UNAUTHENTICATED]: [401, "Unauthorized"],
};

const JSON_TYPE = { "Content-Type": "application/json" } as const;
/** grpc-gateway passes on the headers of the call behind it, and this is the one that is always there. */
const OF_GRPC = { ...JSON_TYPE, "Grpc-Metadata-Content-Type": "application/grpc" } as const;

/** The answer to a call that came over HTTP, in the form of grpc-gateway. */
export class GatewayAnswer {
  readonly #response: ServerResponse;
  #waiting = 0;

  constructor(response: ServerResponse | Http2ServerResponse) {
    // The two have in common all that is used here, but not a type.
    this.#response = response as ServerResponse;
    this.#response.on("drain", () => (this.#waiting = 0));
  }

  /** Nobody can be answered any more. */
  get gone(): boolean {
    return this.#response.closed || this.#response.destroyed;
  }

  /** The answer of a call without streams. One of several pieces goes at the pace of its reader, and others have their turn in between; who does not read for `stallLimitMs` is left. */
  async whole(chunks: Iterator<Buffer>, clock: Clock, stallLimitMs: number): Promise<void> {
    let chunk = chunks.next();
    let next = chunks.next();
    if (this.gone) return;
    if (next.done === true) {
      answer(this.#response, 200, OF_GRPC, chunk.value as Buffer);
      return;
    }
    this.#response.writeHead(200, OF_GRPC);
    for (; chunk.done !== true; chunk = next, next = chunks.next()) {
      const more = this.#response.write(chunk.value);
      if (!more) await this.#drained(clock, stallLimitMs);
      // A socket that takes all at once drains within this turn.
      await nextTurn();
      if (this.gone) return;
    }
    this.#response.end();
  }

  /** Resolves when the reader has read, or is gone. */
  #drained(clock: Clock, stallLimitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const limit = clock.timer(stallLimitMs, () => this.#response.destroy());
      const done = (): void => {
        limit.cancel();
        this.#response.off("drain", done);
        this.#response.off("close", done);
        resolve();
      };
      this.#response.on("drain", done);
      this.#response.on("close", done);
    });
  }

  /** One message of a stream; false when its reader lags behind. */
  result(text: string): boolean {
    if (this.gone) return true;
    if (!this.#response.headersSent) this.#response.writeHead(200, OF_GRPC);
    const more = this.#response.write(`{"result":${text}}\n`);
    this.#waiting = more ? 0 : this.#waiting + 1;
    return more;
  }

  /** The stream as StreamWriter needs it. */
  sink(write: (message: unknown) => boolean): MessageSink<unknown> {
    const waiting = (): number => this.#waiting;
    return {
      write,
      once: (event, listener) => this.#response.once(event, listener),
      get writableLength() {
        return waiting();
      },
    };
  }

  /** The end of a stream. */
  end(): void {
    if (this.gone) return;
    if (!this.#response.headersSent) this.#response.writeHead(200, OF_GRPC);
    this.#response.end();
  }

  /** The call failed; the error of a stream is its last line, in a form of its own. */
  fail({ code, message }: RpcError, stream: boolean): void {
    if (this.gone) return;
    const [status, text] = STATUS[code];
    if (stream) {
      if (!this.#response.headersSent) this.#response.writeHead(status, OF_GRPC);
      this.#response.end(escaped(JSON.stringify({ error: { grpc_code: code, http_code: status, message, http_status: text } })));
      return;
    }
    answer(this.#response, status, JSON_TYPE, escaped(JSON.stringify({ error: message, code, message })));
  }
}
