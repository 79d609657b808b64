import { Server, ServerCredentials, type ServerOptions, type UntypedHandleCall, type sendUnaryData } from "@grpc/grpc-js";
import type { ServerDuplexStream, ServerReadableStream, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import { monotonicClock, nextTurn } from "../base/clock.js";
import type { Metric } from "../base/metric.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { Logger } from "../base/log.js";
import { formatAddress, parseAddress, requireLoopbackOrTls } from "./address.js";
import { CallMetrics, metricsPage } from "./call-metrics.js";
import { closingError, LiveCalls, ServerCall } from "./call.js";
import { addHealth, type Health } from "./health.js";
import { listenError } from "./port.js";
import { type HttpHandler, type Listener, openListener } from "./listener.js";
import { addReflection } from "./reflection.js";
import { type AnyHandler, type MethodShape, type ServedService, serviceName } from "./service.js";
import { toWireStatus } from "./status.js";
import { StreamWriter } from "./stream-writer.js";
import type { TlsMaterial } from "./tls.js";

export { serve, type ServedService } from "./service.js";
export type { Call } from "./call.js";
export type { StreamWriter } from "./stream-writer.js";

/** What a server needs. */
export interface RpcServerOptions {
  /** `host:port`; port 0 lets the system choose. Hosts other than loopback need `tls`. */
  readonly listen: string;
  /** The room behind the port, for log lines and refusals. */
  readonly room: string;
  readonly log: Logger;
  readonly services: readonly ServedService[];
  /** Mutual TLS: clients must show a certificate of the same authority. */
  readonly tls?: TlsMaterial | undefined;
  /** Answers HTTP/1.1 on the same port, as etcd does; `GET /metrics` is answered here already. */
  readonly http?: HttpHandler | undefined;
  /** What `/metrics` tells besides the calls that were answered. */
  readonly metrics?: readonly Metric[] | undefined;
  /** The largest message taken; 4 MiB when absent. */
  readonly maxReceiveBytes?: number | undefined;
  /** Whether its services serve from the start; true when absent. Otherwise `health` is told when they do. */
  readonly serving?: boolean | undefined;
  /** How long `close` lets calls finish before it cuts them off; 2,000 ms when absent. */
  readonly closeLimitMs?: number | undefined;
}

/** A gRPC server that listens. */
export interface RpcServer {
  /** `host:port` to connect to. */
  readonly address: string;
  readonly port: number;
  readonly health: Health;
  /** Ends streams with UNAVAILABLE, lets unary calls finish, cuts off what remains. Never rejects; may be called twice. */
  close(): Promise<void>;
}

const DEFAULT_MAX_RECEIVE_BYTES = 4 * 1024 * 1024;
const DEFAULT_CLOSE_LIMIT_MS = 2_000;

/** Starts a server with these services, grpc.health.v1, reflection and `GET /metrics`. Rejects with one line for a user when it cannot listen. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const wanted = parseAddress(options.listen);
  requireLoopbackOrTls(wanted, options.tls !== undefined);
  const server = new Server(serverOptions(options));
  const live = new LiveCalls();
  const calls = new CallMetrics();
  for (const service of options.services) addService(server, service, { live, calls, log: options.log, room: options.room });
  const names = options.services.map((service) => serviceName(service.definition));
  const health = addHealth(server, names, options.serving ?? true);
  addReflection(server, names);
  // The port is ours and not grpc-js's: that way HTTP/1.1 can share it, and at the end it knows what it has to cut off.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const http = metricsPage([calls, ...(options.metrics ?? [])], options.http);
  const listener = await openListener({ address: wanted, tls: options.tls, http, onHttp2: (connection) => injector.injectConnection(connection) }).catch(
    (error: unknown) => {
      throw listenError(error as Error, wanted, options.room);
    },
  );
  const address = formatAddress({ host: wanted.host, port: listener.port });
  options.log.debug({ room: options.room, address }, "listening");

  const close = async (): Promise<void> => {
    listener.stop();
    health.set(false);
    live.close();
    await shutDown(server, listener, options.closeLimitMs ?? DEFAULT_CLOSE_LIMIT_MS);
  };
  let closed: Promise<void> | undefined;
  return { address, port: listener.port, health, close: () => (closed ??= close()) };
}

/** Waits for calls and connections to end, at most `limitMs`. */
function shutDown(server: Server, listener: Listener, limitMs: number): Promise<void> {
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

function serverOptions(options: RpcServerOptions): ServerOptions {
  return {
    "grpc.max_receive_message_length": options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
    "grpc.max_concurrent_streams": 10_000,
    // A client that vanished without a word is noticed within half a minute. Client pings are never punished by grpc-js.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
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
  /** Counts a call that has ended so. */
  readonly ended: (code: RpcCode) => void;
}

function addService(server: Server, service: ServedService, around: Surroundings): void {
  const implementation: Record<string, UntypedHandleCall> = {};
  for (const [name, method] of Object.entries(service.definition)) {
    implementation[name] = implement(method, service.handlers[name] ?? refuse(method, around.room), around);
  }
  server.addService(service.definition, implementation);
}

function refuse(method: MethodShape, room: string): AnyHandler {
  return () => {
    throw RpcError.unimplemented(`method ${method.path} of ${room}`);
  };
}

function implement(method: MethodShape, handler: AnyHandler, around: Surroundings): UntypedHandleCall {
  const bound = handler as Handler;
  const own = { ...around, ended: around.calls.of(method) };
  if (method.responseStream) return method.requestStream ? bidi(bound, own) : serverStream(bound, own);
  return method.requestStream ? clientStream(bound, own) : unary(bound, own);
}

type Handler = (...parameters: unknown[]) => unknown;

function unary(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    void answerWith(call, around, answer, () => handler(grpcCall.request, call));
  };
}

function clientStream(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerReadableStream<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    // Whoever waits for a silent client's next request hears of the end of the call, or a closing server would wait for the client.
    call.signal.addEventListener("abort", () => grpcCall.destroy(), { once: true });
    void answerWith(call, around, answer, () => handler(requestsOf(grpcCall, call), call));
  };
}

async function answerWith(call: ServerCall, around: MethodSurroundings, answer: sendUnaryData<unknown>, run: () => unknown): Promise<void> {
  try {
    const response = await run();
    call.finish();
    around.ended(RpcCode.OK);
    answer(null, response);
  } catch (error) {
    call.finish();
    const failure = asRpcError(error, call, around);
    around.ended(failure.code);
    answer(toWireStatus(failure));
  }
}

function serverStream(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerWritableStream<unknown, unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    void streamWith(grpcCall, call, around, (stream) => handler(grpcCall.request, stream, call));
  };
}

function bidi(handler: Handler, around: MethodSurroundings): UntypedHandleCall {
  return (grpcCall: ServerDuplexStream<unknown, unknown>): void => {
    const call = new ServerCall(grpcCall, around.live);
    void streamWith(grpcCall, call, around, (stream) => handler(requestsOf(grpcCall, call), stream, call));
  };
}

type ResponseStream = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

async function streamWith(grpcCall: ResponseStream, call: ServerCall, around: MethodSurroundings, run: (stream: StreamWriter<unknown>) => unknown): Promise<void> {
  const stream = new StreamWriter<unknown>(grpcCall);
  const signal = call.signal;
  const onAbort = (): void => stream.leave(signal.reason as RpcError);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    await run(stream);
    // A handler that returns because the server closes has not said all it had to say.
    if (around.live.closing && signal.aborted) throw closingError();
    call.finish();
    around.ended(RpcCode.OK);
    grpcCall.end();
  } catch (error) {
    call.finish();
    const failure = asRpcError(error, call, around);
    around.ended(failure.code);
    grpcCall.emit("error", toWireStatus(failure));
  } finally {
    signal.removeEventListener("abort", onAbort);
    stream.leave(new RpcError(RpcCode.CANCELLED, "the stream is over"));
  }
}

/** The requests of a stream, read one at a time as the handler asks; ends early by throwing the signal's reason. */
async function* requestsOf(grpcCall: ServerReadableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>, call: ServerCall): AsyncGenerator<unknown, void> {
  const signal = call.signal;
  try {
    // Leaving the loop must not destroy the stream: the answer goes over the same one.
    yield* grpcCall.iterator({ destroyOnReturn: false });
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
