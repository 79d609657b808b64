import type { EventEmitter } from "node:events";
import { Metadata, type ServerDuplexStream, type ServerReadableStream, type ServerUnaryCall, type ServerWritableStream } from "@grpc/grpc-js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { wallClock } from "../base/clock.js";
import { parseTraceparent, TRACEPARENT, type Trace } from "./traceparent.js";

/** Any call grpc-js hands to a server. */
export type GrpcServerCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

/** What a handler knows about the call it serves. */
export interface Call {
  /** `:authority` as the client sent it, without a port: it names the host or the instance behind a shared port. */
  readonly authority: string;
  readonly metadata: Metadata;
  /** Aborts when the client is gone, the deadline has passed or the server closes; its reason is an RpcError. */
  readonly signal: AbortSignal;
  /** The client's address, such as `127.0.0.1:53122`. */
  readonly peer: string;
  /** Common name of the certificate the client showed and this server trusts; undefined without one. */
  readonly peerCommonName: string | undefined;
  /** Milliseconds the client leaves for the answer, counted from now; undefined without a deadline. */
  readonly deadlineMs: number | undefined;
  /** The caller's span, when it sent a valid `traceparent`. */
  readonly trace: Trace | undefined;
  /** The method's path: `/spheresim.hostd.v1.HostService/CreateVm`. */
  readonly path: string;
  /** The first text of a metadata key. */
  header(name: string): string | undefined;
  /** Sends response headers now instead of with the first message. */
  sendHeaders(headers?: Metadata): void;
}

/** A call that can be told to come to an end. */
interface AbortableCall {
  abort(reason: RpcError): void;
}

/** The calls of one server that are under way and look at their signal. */
export class LiveCalls {
  readonly #calls = new Set<AbortableCall>();
  #closing = false;

  get closing(): boolean {
    return this.#closing;
  }

  add(call: AbortableCall): void {
    this.#calls.add(call);
  }

  delete(call: AbortableCall): void {
    this.#calls.delete(call);
  }

  /** Tells every call to come to an end. */
  close(): void {
    this.#closing = true;
    for (const call of this.#calls) call.abort(closingError());
  }
}

/** What calls get that the server's own end cuts short; clients take it as a reason to reconnect. */
export function closingError(): RpcError {
  return new RpcError(RpcCode.UNAVAILABLE, "the server is shutting down");
}

/** A Call that computes what a handler asks for only when asked: most unary calls use nothing of it. */
export class ServerCall implements Call {
  readonly #call: GrpcServerCall;
  readonly #live: LiveCalls;
  #abort: AbortController | undefined;
  #over = false;

  constructor(call: GrpcServerCall, live: LiveCalls) {
    this.#call = call;
    this.#live = live;
  }

  get authority(): string {
    // The grpc-js types promise a string; a client of HTTP/2 may send neither :authority nor host.
    const host = (this.#call.getHost() as string | undefined) ?? "";
    return host.replace(/:\d+$/, "");
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get peerCommonName(): string | undefined {
    const name = this.#call.getAuthContext().sslPeerCertificate?.subject.CN as string | readonly string[] | undefined;
    return typeof name === "string" ? name : name?.[0];
  }

  get path(): string {
    return this.#call.getPath();
  }

  get deadlineMs(): number | undefined {
    const deadline = Number(this.#call.getDeadline());
    return Number.isFinite(deadline) ? Math.max(0, deadline - wallClock().nowMs()) : undefined;
  }

  get trace(): Trace | undefined {
    return parseTraceparent(this.header(TRACEPARENT));
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#call.cancelled) this.#abort.abort(goneError());
      else if (this.#live.closing) this.#abort.abort(closingError());
      else if (!this.#over) {
        this.#live.add(this);
        (this.#call as EventEmitter).once("cancelled", () => this.#cancelled());
      }
    }
    return this.#abort.signal;
  }

  /** Why the call was cut short, if it was. */
  get abortReason(): unknown {
    return this.#abort?.signal.reason;
  }

  header(name: string): string | undefined {
    const value = this.#call.metadata.get(name)[0];
    return value === undefined ? undefined : value.toString();
  }

  sendHeaders(headers?: Metadata): void {
    this.#call.sendMetadata(headers ?? new Metadata());
  }

  /** The handler has answered: what follows on the stream is no cancellation. */
  finish(): void {
    this.#over = true;
    this.#live.delete(this);
  }

  abort(reason: RpcError): void {
    this.#live.delete(this);
    if (!this.#over) this.#abort?.abort(reason);
  }

  #cancelled(): void {
    // grpc-js says so at the end of every call.
    if (this.#over) return;
    const late = this.deadlineMs === 0;
    this.abort(late ? new RpcError(RpcCode.DEADLINE_EXCEEDED, "the caller's deadline has passed") : goneError());
  }
}

/** What a handler hears when nobody waits for its answer any more. */
export function goneError(): RpcError {
  return new RpcError(RpcCode.CANCELLED, "the caller is gone");
}
