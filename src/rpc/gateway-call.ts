import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Metadata } from "@grpc/grpc-js";
import type { RpcError } from "../base/rpc-error.js";
import { type Call, closingError, goneError, type LiveCalls } from "./call.js";
import { parseTraceparent, TRACEPARENT, type Trace } from "./traceparent.js";

/** Headers with this prefix become metadata without it. */
const METADATA_PREFIX = "grpc-metadata-";

/** A call that came over HTTP: what a handler sees of it. */
export class GatewayCall implements Call {
  readonly path: string;
  readonly metadata = new Metadata();
  /** The gateway of etcd calls in its own name: the certificate of its client never becomes a user. */
  readonly peerCommonName = undefined;
  readonly deadlineMs = undefined;
  readonly #request: IncomingMessage | Http2ServerRequest;
  readonly #abort = new AbortController();
  readonly #live: LiveCalls;
  #over = false;

  constructor(path: string, request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse, live: LiveCalls) {
    this.path = path;
    this.#request = request;
    this.#live = live;
    for (const [name, value] of Object.entries(request.headers)) {
      const key = name === "authorization" || name === TRACEPARENT ? name : name.startsWith(METADATA_PREFIX) ? name.slice(METADATA_PREFIX.length) : "";
      // A value that gRPC cannot carry would not have reached etcd either.
      if (key !== "" && typeof value === "string" && !key.endsWith("-bin") && /^[\x20-\x7e]*$/.test(value)) this.metadata.set(key, value);
    }
    if (live.closing) this.#abort.abort(closingError());
    live.add(this);
    response.on("close", () => this.abort(goneError()));
    response.on("error", () => this.abort(goneError()));
  }

  /** The bytes of the request; they end early when the call does. */
  get body(): AsyncIterable<Buffer> {
    return (this.#request as IncomingMessage).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  }

  get authority(): string {
    return (this.#request.headers.host ?? String(this.#request.headers[":authority"] ?? "")).replace(/:\d+$/, "");
  }

  get peer(): string {
    const { remoteAddress, remotePort } = this.#request.socket;
    return remoteAddress === undefined ? "unknown" : `${remoteAddress}:${remotePort}`;
  }

  get trace(): Trace | undefined {
    return parseTraceparent(this.header(TRACEPARENT));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  header(name: string): string | undefined {
    return this.metadata.get(name)[0]?.toString();
  }

  /** Headers of HTTP go out with the first answer; there is nothing to send before it. */
  sendHeaders(): void {}

  finish(): void {
    this.#over = true;
    this.#live.delete(this);
  }

  abort(reason: RpcError): void {
    this.#live.delete(this);
    if (!this.#over) this.#abort.abort(reason);
  }
}
