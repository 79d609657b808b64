import type { ServiceDefinition } from "@grpc/grpc-js";
import type { Call } from "./call.js";
import type { StreamWriter } from "./stream-writer.js";

/** One method as ts-proto's grpc-js output and proto-loader describe it. */
export interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // Bivariant on purpose: the codecs of every message type have to fit.
  // oxlint-disable-next-line no-explicit-any
  readonly requestSerialize: (value: any) => Buffer;
  // oxlint-disable-next-line no-explicit-any
  readonly requestDeserialize: (bytes: Buffer) => any;
  // oxlint-disable-next-line no-explicit-any
  readonly responseSerialize: (value: any) => Buffer;
  // oxlint-disable-next-line no-explicit-any
  readonly responseDeserialize: (bytes: Buffer) => any;
}

/** A service as generated: its methods by their names in code. */
export type ServiceShape = Readonly<Record<string, MethodShape>>;

/** The message a method takes. */
export type RequestOf<M extends MethodShape> = ReturnType<M["requestDeserialize"]>;
/** The message a method answers with. */
export type ResponseOf<M extends MethodShape> = ReturnType<M["responseDeserialize"]>;

type UnaryHandler<Req, Res> = (request: Req, call: Call) => Promise<Res> | Res;
type ServerStreamHandler<Req, Res> = (request: Req, stream: StreamWriter<Res>, call: Call) => Promise<void>;
type ClientStreamHandler<Req, Res> = (requests: AsyncIterable<Req>, call: Call) => Promise<Res>;
type BidiHandler<Req, Res> = (requests: AsyncIterable<Req>, stream: StreamWriter<Res>, call: Call) => Promise<void>;

/** The handler a method of this shape needs. */
export type HandlerOf<M extends MethodShape> = M["requestStream"] extends true
  ? M["responseStream"] extends true
    ? BidiHandler<RequestOf<M>, ResponseOf<M>>
    : ClientStreamHandler<RequestOf<M>, ResponseOf<M>>
  : M["responseStream"] extends true
    ? ServerStreamHandler<RequestOf<M>, ResponseOf<M>>
    : UnaryHandler<RequestOf<M>, ResponseOf<M>>;

/** Handlers by method; a method without one answers UNIMPLEMENTED and is named. */
export type HandlersOf<S extends ServiceShape> = { readonly [K in keyof S]?: HandlerOf<S[K]> };

/** A handler whose types are no longer known. */
export type AnyHandler = (...parameters: never[]) => unknown;

/** A service with its handlers, ready for `startRpcServer`. */
export interface ServedService {
  readonly definition: ServiceShape & ServiceDefinition;
  readonly handlers: Readonly<Record<string, AnyHandler | undefined>>;
}

/** Joins a generated service definition with its handlers. */
export function serve<S extends ServiceShape>(definition: S, handlers: HandlersOf<S>): ServedService {
  return { definition, handlers };
}

/** `pkg.Service` of a definition. */
export function serviceName(definition: ServiceShape): string {
  const first = Object.values(definition)[0];
  return first === undefined ? "" : (first.path.split("/")[1] ?? "");
}
