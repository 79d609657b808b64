import type { Clock, Timer } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { Logger } from "../base/log.js";
import type { LiveCalls } from "./call.js";
import type { CallMetrics } from "./call-metrics.js";
import { GatewayCall } from "./gateway-call.js";
import { GatewayAnswer } from "./gateway-answer.js";
import { methodJson } from "./json-mapping.js";
import { JsonMappingError } from "./json-mapping-error.js";
import { JsonStreamError, jsonTexts } from "./json-values.js";
import { answer as answerHttp, PLAIN_TEXT } from "./http-answer.js";
import type { HttpHandler } from "./listener.js";
import type { AnyHandler, MethodShape, ServedService } from "./service.js";
import { inSlices } from "../base/slices.js";
import { Slots } from "./slots.js";
import { StreamWriter } from "./stream-writer.js";

/** A path over which a method can be called by HTTP. */
export interface GatewayRoute {
  /** As in the request: `/v3/kv/range`. */
  readonly path: string;
  /** As in the contract: `/etcdserverpb.KV/Range`. */
  readonly method: string;
}

/** What a gateway works with. */
export interface GatewayOptions {
  readonly routes: readonly GatewayRoute[];
  readonly services: readonly ServedService[];
  /** The largest message taken, in bytes of protobuf. */
  readonly maxBytes: number;
  /** Calls that may run at a time; those beyond wait, as they do for the one connection that etcd's gateway has. */
  readonly maxCalls: number;
  /** How long the first JSON value of a request may take to arrive. */
  readonly requestLimitMs: number;
  /** How long a client may leave a large answer unread. */
  readonly stallLimitMs: number;
  readonly clock: Clock;
  readonly live: LiveCalls;
  readonly calls: CallMetrics;
  readonly log: Logger;
}

interface Served {
  readonly shape: MethodShape;
  readonly handler: AnyHandler | undefined;
}

type Handler = (...parameters: unknown[]) => unknown;

/**
 * Calls gRPC methods for clients that speak HTTP and JSON, as etcd's gateway (grpc-gateway 1.16) does: POST, a request in JSON, answers
 * in JSON; a method that takes or gives a stream takes one JSON value after the other and gives a line `{"result":...}` each. Leaves
 * paths without a route to `next`.
 */
export function gatewayPage(options: GatewayOptions, next: HttpHandler): HttpHandler {
  const served = new Map<string, Served>();
  for (const { definition, handlers } of options.services) for (const [name, shape] of Object.entries(definition)) served.set(shape.path, { shape, handler: handlers[name] });
  const routes = new Map(
    options.routes.map(({ path, method }) => {
      const found = served.get(method);
      if (found === undefined) throw new Error(`route ${path} leads to ${method}, which is not served`);
      return [path, found] as const;
    }),
  );
  const slots = new Slots(options.maxCalls);
  return (request, response) => {
    const route = routes.get(request.url?.split("?", 1)[0] ?? "");
    if (route === undefined) next(request, response);
    else if (request.headers.upgrade?.toLowerCase() === "websocket") answerHttp(response, 501, PLAIN_TEXT, "streams over WebSocket are not served here; POST the requests to the same path\n");
    else if (request.method !== "POST") answerHttp(response, 405, PLAIN_TEXT, "Method Not Allowed\n");
    else void callMethod(options, slots, route, new GatewayCall(route.shape.path, request, response, options.live), new GatewayAnswer(response));
  };
}

async function callMethod(options: GatewayOptions, slots: Slots, { shape, handler }: Served, call: GatewayCall, answer: GatewayAnswer): Promise<void> {
  let took = false;
  const counts = options.calls.of(shape);
  counts.started();
  try {
    if (handler === undefined) throw RpcError.unimplemented(`method ${shape.path}`);
    const json = methodJson(shape.path);
    // base64 makes four bytes of three; what surrounds it is small.
    const texts = jsonTexts(call.body, Math.ceil((options.maxBytes * 4) / 3) + MAX_SYNTAX_BYTES);
    const decode = async (text: Buffer): Promise<unknown> => {
      const bytes = await inSlices(json.requestBytes(text));
      if (bytes.length > options.maxBytes) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `grpc: received message larger than max (${bytes.length} vs. ${options.maxBytes})`);
      counts.received();
      return shape.requestDeserialize(bytes);
    };
    const write = (message: unknown): boolean => answer.result(json.responseText(shape.responseSerialize(message)));
    const run = handler as Handler;
    const first = await withinLimit(texts.next(), options);
    const firstRequest = first.done === true && shape.requestStream ? undefined : await decode(first.done === true ? NO_TEXT : first.value);
    // Not before: who is slow to ask keeps nobody out.
    await slots.take(call.signal);
    took = true;
    if (!shape.responseStream) {
      const response = await run(firstRequest, call);
      counts.sent();
      await answer.whole(json.responseChunks(shape.responseSerialize(response)), options.clock, options.stallLimitMs);
    } else {
      const stream = new StreamWriter<unknown>(answer.sink(write), undefined, counts.sent);
      call.signal.addEventListener("abort", () => stream.leave(call.signal.reason as RpcError), { once: true });
      await (shape.requestStream ? run(requests(firstRequest, texts, decode, call), stream, call) : run(firstRequest, stream, call));
      if (call.signal.aborted) throw call.signal.reason;
      answer.end();
    }
    call.finish();
    counts.ended(RpcCode.OK);
  } catch (error) {
    const failure = asRpcError(error, shape, answer, options.log);
    call.finish();
    counts.ended(failure.code);
    answer.fail(failure, shape.responseStream && !(error instanceof JsonMappingError));
  } finally {
    if (took) slots.give();
  }
}

/** The first value of a request, which must not take its time; those after it, in a stream, may. */
async function withinLimit<T>(value: Promise<T>, { clock, requestLimitMs }: GatewayOptions): Promise<T> {
  let limit: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    limit = clock.timer(requestLimitMs, () => reject(new RpcError(RpcCode.CANCELLED, `the request was not there after ${requestLimitMs} ms`)));
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    limit?.cancel();
  }
}

const NO_TEXT = Buffer.alloc(0);
/** Room for names, commas and quotes around the values of a request. */
const MAX_SYNTAX_BYTES = 64 * 1024;

async function* requests(first: unknown, texts: AsyncIterable<Buffer>, decode: (text: Buffer) => Promise<unknown>, call: GatewayCall): AsyncGenerator<unknown, void> {
  if (first !== undefined) yield first;
  try {
    for await (const text of texts) yield await decode(text);
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason;
    // As the gateway of etcd: what cannot be read ends the requests and not the answers.
    if (!(error instanceof JsonMappingError)) throw error;
  }
}

function asRpcError(error: unknown, shape: MethodShape, answer: GatewayAnswer, log: Logger): RpcError {
  if (error instanceof RpcError) return error;
  // grpc-gateway reads a stream's first request before there is a status to give it.
  if (error instanceof JsonMappingError) return new RpcError(shape.requestStream ? RpcCode.UNKNOWN : RpcCode.INVALID_ARGUMENT, error.message);
  if (error instanceof JsonStreamError) return new RpcError(RpcCode.RESOURCE_EXHAUSTED, error.message);
  if (answer.gone) return new RpcError(RpcCode.CANCELLED, "the caller is gone");
  log.error({ method: shape.path, err: error }, "a handler failed");
  return new RpcError(RpcCode.INTERNAL, `internal error (${shape.path}); the log of the server says more`);
}
