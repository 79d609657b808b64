import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { ChannelCredentials, Client, type ClientOptions, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { CallOptions as GrpcCallOptions, ClientDuplexStream, ClientReadableStream, ClientWritableStream } from "@grpc/grpc-js";
import { wallClock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { MethodShape, RequestOf, ResponseOf, ServiceShape } from "./service.js";
import { parseAddress } from "./address.js";
import { fromServiceError } from "./status.js";
import { StreamWriter } from "./stream-writer.js";
import type { TlsMaterial } from "./tls.js";
import { formatTraceparent, TRACEPARENT, type Trace } from "./traceparent.js";

/** What a single call may ask for. */
export interface CallOptions {
  /** `:authority` of this call: names the host or instance behind a shared port. */
  readonly authority?: string | undefined;
  /** The call fails with DEADLINE_EXCEEDED after so many milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Sent as `traceparent`. */
  readonly trace?: Trace | undefined;
}

/** The responses of a server stream, read at the pace of the loop. Leaving the loop cancels the call. */
export interface ResponseStream<Res> extends AsyncIterable<Res> {
  /** Ends the call now; the loop ends with a CANCELLED RpcError. */
  cancel(): void;
}

/** The requests of a client stream. */
export interface RequestWriter<Req, Res> {
  /** Resolves when the next message may follow; throws when the call is over. */
  write(message: Req): Promise<void>;
  /** No more requests: resolves with the answer. */
  end(): Promise<Res>;
  /** The answer, or the error, which may come before `end`. */
  readonly response: Promise<Res>;
  cancel(): void;
}

/** Both directions of a call. */
export interface DuplexStream<Req, Res> extends ResponseStream<Res> {
  write(message: Req): Promise<void>;
  /** No more requests; responses may still come. */
  end(): void;
}

/** What calling a method of this shape looks like. */
export type CallerOf<M extends MethodShape> = M["requestStream"] extends true
  ? M["responseStream"] extends true
    ? (options?: CallOptions) => DuplexStream<RequestOf<M>, ResponseOf<M>>
    : (options?: CallOptions) => RequestWriter<RequestOf<M>, ResponseOf<M>>
  : M["responseStream"] extends true
    ? (request: RequestOf<M>, options?: CallOptions) => ResponseStream<ResponseOf<M>>
    : (request: RequestOf<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/** A client with one function per method of the service. Failed calls throw RpcError. */
export type PromiseClient<S extends ServiceShape> = { readonly [K in keyof S]: CallerOf<S[K]> };

/** A generated client class; only its service definition is used. */
export interface GeneratedClient<S extends ServiceShape> {
  readonly service: S;
}

/** What a connection needs. */
export interface ChannelOptions {
  /** `host:port`. */
  readonly address: string;
  /** Mutual TLS. */
  readonly tls?: TlsMaterial | undefined;
  /** Deadline of unary calls that name none; 0 for none. 30,000 ms when absent. */
  readonly defaultDeadlineMs?: number | undefined;
  /** The largest message taken; 64 MiB when absent. */
  readonly maxReceiveBytes?: number | undefined;
}

/** One HTTP/2 connection to one address, shared by all clients made from it; connects when first used and again when lost. */
export interface Channel {
  readonly address: string;
  /** A client over this connection; cheap, so there may be many. */
  client<S extends ServiceShape>(generated: GeneratedClient<S>): PromiseClient<S>;
  /** Ends the connection; calls under way fail. */
  close(): void;
}

const DEFAULT_DEADLINE_MS = 30_000;
const DEFAULT_MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

/** Opens a channel. Nothing is sent before the first call. */
export function openChannel(options: ChannelOptions): Channel {
  const connection = new Client(options.address, credentials(options), grpcOptions(options));
  const deadlineMs = options.defaultDeadlineMs ?? DEFAULT_DEADLINE_MS;
  return {
    address: options.address,
    client: <S extends ServiceShape>(generated: GeneratedClient<S>) => {
      const callers = Object.entries(generated.service).map(([name, method]) => [name, caller(connection, method, deadlineMs)]);
      return Object.fromEntries(callers) as PromiseClient<S>;
    },
    close: () => connection.close(),
  };
}

/** What is sent as the server's name where the address has none: TLS wants a name there, and grpc-js would send the IP address. */
const NAMELESS = "localhost";

function credentials({ address, tls }: ChannelOptions): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  const { host } = parseAddress(address);
  // Whatever name is sent, the certificate must be of the address that was called.
  const verify = isIP(host) === 0 ? {} : { checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate) };
  return ChannelCredentials.createSsl(Buffer.from(tls.caPem), Buffer.from(tls.keyPem), Buffer.from(tls.certPem), verify);
}

function grpcOptions(options: ChannelOptions): ClientOptions {
  return {
    "grpc.max_receive_message_length": options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
    // Loopback peers come back quickly after a restart.
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // No retry policy is in use; without it grpc-js keeps no copies of what a stream sent.
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    // A channel that closes must not share its connection with another one that stays.
    "grpc.use_local_subchannel_pool": 1,
    ...(options.tls !== undefined && isIP(parseAddress(options.address).host) !== 0 ? { "grpc.ssl_target_name_override": NAMELESS } : {}),
  };
}

function caller(connection: Client, method: MethodShape, deadlineMs: number): unknown {
  if (method.responseStream) {
    return method.requestStream
      ? (options: CallOptions = {}) => bidi(connection, method, options)
      : (request: unknown, options: CallOptions = {}) => serverStream(connection, method, request, options);
  }
  return method.requestStream
    ? (options: CallOptions = {}) => clientStream(connection, method, options)
    : (request: unknown, options: CallOptions = {}) => unary(connection, method, request, options, deadlineMs);
}

/** grpc-js keeps the stack of whoever calls for the errors it makes, which nobody sees here: taking it costs more than the rest of the call's start. */
function untraced<T>(start: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return start();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function unary(connection: Client, method: MethodShape, request: unknown, options: CallOptions, defaultDeadlineMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    if (signal?.aborted) {
      reject(abortError(signal));
      return;
    }
    const onAbort = (): void => call.cancel();
    const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
    const done = (error: ServiceError | null, response?: unknown): void => {
      signal?.removeEventListener("abort", onAbort);
      if (error === null) resolve(response);
      else reject(signal?.aborted ? abortError(signal) : fromServiceError(error));
    };
    const call = untraced(() => connection.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, metadataOf(options), grpcCallOptions(options, deadlineMs), done));
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function serverStream(connection: Client, method: MethodShape, request: unknown, options: CallOptions): ResponseStream<unknown> {
  const stream = connection.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, request, metadataOf(options), grpcCallOptions(options, options.deadlineMs));
  return responses(stream, options.signal);
}

function clientStream(connection: Client, method: MethodShape, options: CallOptions): RequestWriter<unknown, unknown> {
  const { signal } = options;
  let settle: (error: ServiceError | null, response?: unknown) => void = () => undefined;
  const response = new Promise<unknown>((resolve, reject) => {
    settle = (error, message) => {
      unbind();
      writer.leave(error === null ? streamOver() : fromServiceError(error));
      if (error === null) resolve(message);
      else reject(signal?.aborted ? abortError(signal) : fromServiceError(error));
    };
  });
  // The error reaches the caller through write or end too; nobody has to look at `response`.
  response.catch(() => undefined);
  const stream: ClientWritableStream<unknown> = connection.makeClientStreamRequest(
    method.path, method.requestSerialize, method.responseDeserialize, metadataOf(options), grpcCallOptions(options, options.deadlineMs),
    (error, message) => settle(error, message),
  );
  stream.on("error", () => undefined);
  const writer = new StreamWriter<unknown>(stream);
  const unbind = cancelOn(signal, stream);
  return {
    write: (message) => writer.write(message),
    end: () => {
      stream.end();
      return response;
    },
    response,
    cancel: () => stream.cancel(),
  };
}

function bidi(connection: Client, method: MethodShape, options: CallOptions): DuplexStream<unknown, unknown> {
  const stream: ClientDuplexStream<unknown, unknown> = connection.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, metadataOf(options), grpcCallOptions(options, options.deadlineMs));
  const writer = new StreamWriter<unknown>(stream);
  const over = (error: RpcError): void => writer.leave(error);
  return {
    ...responses(stream, options.signal, over),
    write: (message) => writer.write(message),
    end: () => void stream.end(),
  };
}

/** One reader per stream. grpc-js asks for the next message only as the iterator does, so a slow loop slows the sender. */
function responses(stream: ClientReadableStream<unknown> | ClientDuplexStream<unknown, unknown>, signal: AbortSignal | undefined, onEnd?: (error: RpcError) => void): ResponseStream<unknown> {
  let failure: RpcError | undefined;
  const unbind = cancelOn(signal, stream);
  stream.on("error", (error: ServiceError) => {
    failure = signal?.aborted ? abortError(signal) : fromServiceError(error);
  });
  stream.once("status", () => unbind());
  stream.once("close", () => onEnd?.(failure ?? streamOver()));
  return {
    cancel: () => stream.cancel(),
    async *[Symbol.asyncIterator]() {
      if (failure !== undefined) throw failure;
      let ended = false;
      try {
        for await (const message of stream.iterator({ destroyOnReturn: false })) yield message;
        ended = true;
      } catch (error) {
        ended = true;
        throw failure ?? error;
      } finally {
        unbind();
        if (!ended) stream.cancel();
      }
    },
  };
}

/** Cancels the call when the signal aborts; returns how to let go of the signal. */
function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): () => void {
  if (signal === undefined) return () => undefined;
  const onAbort = (): void => call.cancel();
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new Metadata();
  if (options.metadata !== undefined) for (const [key, value] of Object.entries(options.metadata)) metadata.set(key, value);
  if (options.trace !== undefined) metadata.set(TRACEPARENT, formatTraceparent(options.trace));
  return metadata;
}

function grpcCallOptions(options: CallOptions, deadlineMs: number | undefined): GrpcCallOptions {
  const grpc: GrpcCallOptions = {};
  if (options.authority !== undefined) grpc.host = options.authority;
  if (deadlineMs !== undefined && deadlineMs > 0) grpc.deadline = wallClock().nowMs() + deadlineMs;
  return grpc;
}

/** A cancelled call throws the signal's reason when that is an RpcError, else CANCELLED. */
function abortError(signal: AbortSignal): RpcError {
  return signal.reason instanceof RpcError ? signal.reason : new RpcError(RpcCode.CANCELLED, "the call was cancelled", { cause: signal.reason });
}

function streamOver(): RpcError {
  return new RpcError(RpcCode.CANCELLED, "the stream is over");
}
