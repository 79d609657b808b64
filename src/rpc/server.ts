import { Server, ServerCredentials, type ServerOptions, type ServiceDefinition, type UntypedHandleCall, type sendUnaryData } from "@grpc/grpc-js";
import type { ServerDuplexStream, ServerReadableStream, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import { monotonicClock, nextTurn } from "../base/clock.js";
import type { Metric } from "../base/metric.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { Logger } from "../base/log.js";
import { parseAddress, requireLoopbackOrTls } from "./address.js";
import { CallMetrics, type MethodMetrics, metricsPage } from "./call-metrics.js";
import { closingError, LiveCalls, ServerCall } from "./call.js";
import { answerBehindGoaway } from "./client-goaway.js";
import { addHealth, type Health } from "./health.js";
import { gatewayPage, type GatewayRoute } from "./gateway.js";
import { serveHttp2Paths } from "./http2-paths.js";
import { innerHttp2Server } from "./inner-http2-server.js";
import { HTTP_LIMITS, type HttpLimits } from "./http-limits.js";
import type { HttpHandler } from "./listener.js";
import { type Listening, openListeners } from "./listeners.js";
import type { ListenUrl } from "./listen-url.js";
import { addReflection } from "./reflection.js";
import { type AnyHandler, type MethodShape, type ServedService, serviceName } from "./service.js";
import { toWireStatus } from "./status.js";
import { StreamWriter } from "./stream-writer.js";
import type { ServerTls } from "./tls.js";
import { UnreadableRequest } from "./unreadable-request.js";

export { serve, type ServedService } from "./service.js";
export type { Call } from "./call.js";
export type { StreamWriter } from "./stream-writer.js";

/** What a server needs. */
export interface RpcServerOptions {
  /**
   * `host:port`, plain or, with `tls`, TLS; port 0 lets the system choose; hosts other than loopback need `tls`. Or URLs, each of which
   * says by its scheme whether it is plain: who writes `http://` and an address of the world means it.
   */
  readonly listen: string | readonly ListenUrl[];
  /** Where HTTP alone is answered, without the gateway. */
  readonly metricsListen?: readonly ListenUrl[] | undefined;
  /** The room behind the port, for log lines and refusals. */
  readonly room: string;
  readonly log: Logger;
  readonly services: readonly ServedService[];
  readonly tls?: ServerTls | undefined;
  /** Answers HTTP on the same port, as etcd does; `GET /metrics` and the routes of `gateway` are answered here already. */
  readonly http?: HttpHandler | undefined;
  /** Stands before everything that is answered over HTTP. */
  readonly aroundHttp?: ((inner: HttpHandler) => HttpHandler) | undefined;
  /** What stands before HTTP at `metricsListen`; as elsewhere when absent. */
  readonly aroundMetricsHttp?: ((inner: HttpHandler) => HttpHandler) | undefined;
  /** Paths by which methods are called over HTTP, with JSON. */
  readonly gateway?: readonly GatewayRoute[] | undefined;
  /** Services whose health is told by name besides the server's own; all when absent. */
  readonly healthNames?: readonly string[] | undefined;
  /** What `/metrics` tells besides the calls that were answered. */
  readonly metrics?: readonly Metric[] | undefined;
  /** The largest message taken; 4 MiB when absent. */
  readonly maxReceiveBytes?: number | undefined;
  /** Calls of one connection that may run at a time; 10,000 when absent. */
  readonly maxConcurrentStreams?: number | undefined;
  /** Silence after which a client is asked for a sign of life; 20 s when absent, never when 0. */
  readonly pingIntervalMs?: number | undefined;
  /** How long it has for one; 10 s when absent or 0. */
  readonly pingTimeoutMs?: number | undefined;
  /** Whether its services serve from the start; true when absent. Otherwise `health` is told when they do. */
  readonly serving?: boolean | undefined;
  /** What HTTP/1.1 clients may take; HTTP_LIMITS when absent. */
  readonly httpLimits?: HttpLimits | undefined;
  /** How long `close` lets calls finish before it cuts them off; 2,000 ms when absent. */
  readonly closeLimitMs?: number | undefined;
}

/** A gRPC server that listens. */
export interface RpcServer {
  /** `host:port` to connect to, or the path of a socket file: the first place of several. */
  readonly address: string;
  /** 0 for a socket file. */
  readonly port: number;
  readonly health: Health;
  /** Ends streams with UNAVAILABLE, lets unary calls finish, cuts off what remains. Never rejects; may be called twice. */
  close(): Promise<void>;
}

const DEFAULT_MAX_RECEIVE_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_CONCURRENT_STREAMS = 10_000;
const DEFAULT_CLOSE_LIMIT_MS = 2_000;

/** Starts a server with these services, grpc.health.v1, reflection and `GET /metrics`. Rejects with one line for a user when it cannot listen. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const urls = listenUrls(options);
  const server = new Server(serverOptions(options));
  const live = new LiveCalls();
  const calls = new CallMetrics();
  for (const service of options.services) addService(server, service, { live, calls, log: options.log, room: options.room });
  const names = options.services.map((service) => serviceName(service.definition));
  const health = addHealth(server, options.healthNames ?? names, options.serving ?? true);
  addReflection(server, names);
  // The ports are ours and not grpc-js's: that way HTTP/1.1 can share them, and at the end it is known what has to be cut off.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const limits = options.httpLimits ?? HTTP_LIMITS;
  const other = metricsPage([calls, ...(options.metrics ?? [])], options.http);
  const gateway = options.gateway === undefined ? other : gatewayPage({ routes: options.gateway, services: options.services, maxBytes: maxReceiveBytes(options), maxCalls: maxConcurrentStreams(options), requestLimitMs: limits.requestMs, stallLimitMs: limits.stallMs, clock: monotonicClock(), live, calls, log: options.log }, other);
  const around = options.aroundHttp ?? ((inner: HttpHandler): HttpHandler => inner);
  const http = around(gateway);
  const http2 = innerHttp2Server(server);
  serveHttp2Paths(http2, http);
  answerBehindGoaway(http2);
  const listener = await openListeners({ room: options.room, urls, metricsUrls: options.metricsListen ?? [], tls: options.tls, limits, http, metricsHttp: (options.aroundMetricsHttp ?? around)(other), onHttp2: (connection) => injector.injectConnection(connection) });
  const { address, port } = listener;
  options.log.debug({ room: options.room, address }, "listening");

  const close = async (): Promise<void> => {
    listener.stop();
    health.set(false);
    live.close();
    await shutDown(server, listener, options.closeLimitMs ?? DEFAULT_CLOSE_LIMIT_MS);
  };
  let closed: Promise<void> | undefined;
  return { address, port, health, close: () => (closed ??= close()) };
}

/** Waits for calls and connections to end, at most `limitMs`. */
function shutDown(server: Server, listener: Listening, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      limit.cancel();
      listener.destroy();
      resolve();
    };
    const limit = monotonicClock().timer(limitMs, end);
    server.tryShutdown(end);
  });
}

function listenUrls({ listen, tls }: RpcServerOptions): readonly ListenUrl[] {
  if (typeof listen !== "string") return listen;
  const address = parseAddress(listen);
  requireLoopbackOrTls(address, tls !== undefined);
  return [{ ...address, secure: tls !== undefined }];
}

function maxReceiveBytes(options: RpcServerOptions): number {
  return options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES;
}

function maxConcurrentStreams(options: RpcServerOptions): number {
  return options.maxConcurrentStreams ?? DEFAULT_MAX_CONCURRENT_STREAMS;
}

/** Longest that a timer of Node waits: 24 days. */
const NEVER_MS = 2 ** 31 - 1;

function serverOptions(options: RpcServerOptions): ServerOptions {
  return {
    "grpc.max_receive_message_length": maxReceiveBytes(options),
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
    "grpc.max_concurrent_streams": maxConcurrentStreams(options),
    // A client that vanished without a word is noticed within half a minute. Client pings are never punished by grpc-js.
    "grpc.keepalive_time_ms": (options.pingIntervalMs ?? 20_000) || NEVER_MS,
    "grpc.keepalive_timeout_ms": options.pingTimeoutMs || 10_000,
  };
}

interface Surroundings {
  readonly live: LiveCalls;
  readonly calls: CallMetrics;
  readonly log: Logger;
  readonly room: string;
}

/** What one method's calls need. */
interface MethodSurroundings extends Surroundings {
  readonly method: MethodShape;
  /** Counts calls and messages. */
  readonly counts: MethodMetrics;
}

function addService(server: Server, service: ServedService, around: Surroundings): void {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: Record<string, UntypedHandleCall> = {};
  for (const [name, method] of Object.entries(service.definition)) {
    definition[name] = { ...method, requestDeserialize: UnreadableRequest.instead(method.requestDeserialize) };
    implementation[name] = implement(method, service.handlers[name] ?? refuse(method, around.room), around);
  }
  server.addService(definition, implementation);
}

function refuse(method: MethodShape, room: string): AnyHandler {
  return () => {
    throw RpcError.unimplemented(`method ${method.path} of ${room}`);
  };
}

function implement(method: MethodShape, handler: AnyHandler, around: Surroundings): UntypedHandleCall {
  const bound = handler as Handler;
  const own = { ...around, method, counts: around.calls.of(method) };
  if (method.responseStream) return method.requestStream ? bidi(bound, own) : serverStream(bound, own);
  return method.requestStream ? clientStream(bound, own) : unary(bound, own);
}

type Handler = (...parameters: unknown[]) => unknown;

function unary(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    const { request } = grpcCall;
    if (request instanceof UnreadableRequest) {
      call.finish();
      // As in grpc-go, where this is before anything that counts.
      answer(toWireStatus(asRpcError(request.failure(around.method), call, around)));
      return;
    }
    around.counts.received();
    void answerWith(call, around, answer, () => handler(request, call));
  };
}

function clientStream(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerReadableStream<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    // Whoever waits for a silent client's next request hears of the end of the call, or a closing server would wait for the client.
    call.signal.addEventListener("abort", () => grpcCall.destroy(), { once: true });
    void answerWith(call, around, answer, () => handler(requestsOf(grpcCall, call, around), call));
  };
}

async function answerWith(call: ServerCall, around: MethodSurroundings, answer: sendUnaryData<unknown>, run: () => unknown): Promise<void> {
  around.counts.started();
  try {
    const response = await run();
    call.finish();
    around.counts.sent();
    around.counts.ended(RpcCode.OK);
    answer(null, response);
  } catch (error) {
    call.finish();
    const failure = asRpcError(error, call, around);
    around.counts.ended(failure.code);
    answer(toWireStatus(failure));
  }
}

function serverStream(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerWritableStream<unknown, unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    void streamWith(grpcCall, call, around, (stream) => handler(received(grpcCall.request, around), stream, call));
  };
}

function bidi(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerDuplexStream<unknown, unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    void streamWith(grpcCall, call, around, (stream) => handler(requestsOf(grpcCall, call, around), stream, call));
  };
}

type ResponseStream = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

async function streamWith(grpcCall: ResponseStream, call: ServerCall, around: MethodSurroundings, run: (stream: StreamWriter<unknown>) => unknown): Promise<void> {
  const stream = new StreamWriter<unknown>(grpcCall, undefined, around.counts.sent);
  around.counts.started();
  const signal = call.signal;
  const onAbort = (): void => stream.leave(signal.reason as RpcError);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    await run(stream);
    // A handler that returns because the server closes has not said all it had to say.
    if (around.live.closing && signal.aborted) throw closingError();
    call.finish();
    around.counts.ended(RpcCode.OK);
    grpcCall.end();
  } catch (error) {
    call.finish();
    const failure = asRpcError(error, call, around);
    around.counts.ended(failure.code);
    grpcCall.emit("error", toWireStatus(failure));
  } finally {
    signal.removeEventListener("abort", onAbort);
    stream.leave(new RpcError(RpcCode.CANCELLED, "the stream is over"));
  }
}

/** Counts a request of a stream; throws if it could not be decoded. */
function received(request: unknown, { method, counts }: MethodSurroundings): unknown {
  if (request instanceof UnreadableRequest) throw request.failure(method);
  counts.received();
  return request;
}

/** The requests of a stream, read one at a time as the handler asks; ends early by throwing the signal's reason. */
async function* requestsOf(grpcCall: ServerReadableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>, call: ServerCall, around: MethodSurroundings): AsyncGenerator<unknown, void> {
  const signal = call.signal;
  try {
    // Leaving the loop must not destroy the stream: the answer goes over the same one.
    for await (const request of grpcCall.iterator({ destroyOnReturn: false })) {
      yield received(request, around);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error;
  }
  // Node ends a reset stream like one the client has finished, and says a moment later that it was reset.
  await nextTurn();
  if (signal.aborted) throw signal.reason;
}

/** What the caller gets to see: an RpcError as it is, anything else as INTERNAL, with the stack in the log alone. */
function asRpcError(error: unknown, call: ServerCall, around: Surroundings): RpcError {
  if (error instanceof RpcError) return error;
  const reason: unknown = call.abortReason;
  if (reason instanceof RpcError) return reason;
  around.log.error({ room: around.room, method: call.path, err: error }, "a handler failed");
  return new RpcError(RpcCode.INTERNAL, `internal error in ${around.room} (${call.path}); its log says more`);
}
