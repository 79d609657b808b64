import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Metadata } from "@grpc/grpc-js";
import type { RpcError } from "../base/rpc-error.js";
import { type Call, closingError, goneError, type LiveCalls } from "./call.js";
import { parseTraceparent, TRACEPARENT, type Trace } from "./traceparent.js";

/** Headers with this prefix become metadata without it. */
const METADATA_PREFIX = "grpc-metadata-";
/** Headers of HTTP itself that grpc-gateway passes on, under `grpcgateway-`: by them a service knows a call of a gateway. */
const PASSED_ON: ReadonlySet<string> = new Set(["accept", "accept-charset", "accept-language", "authorization", "cache-control", "content-type", "cookie", "date", "expect", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-schedule-tag-match", "if-unmodified-since", "max-forwards", "origin", "pragma", "referer", "user-agent", "via", "warning"]);

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
      if (typeof value !== "string") continue;
      if (PASSED_ON.has(name)) this.#know(`grpcgateway-${name}`, value);
      if (name === "authorization" || name === TRACEPARENT) this.#know(name, value);
      else if (name.startsWith(METADATA_PREFIX)) this.#know(name.slice(METADATA_PREFIX.length), value);
    }
    if (live.closing) this.#abort.abort(closingError());
    live.add(this);
    response.on("close", () => this.abort(goneError()));
    response.on("error", () => this.abort(goneError()));
  }

  #know(key: string, value: string): void {
    // What gRPC cannot carry would not have reached etcd either.
    if (/^[0-9a-z_.-]+$/.test(key) && !key.endsWith("-bin") && /^[\x20-\x7e]*$/.test(value)) this.metadata.set(key, value);
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
