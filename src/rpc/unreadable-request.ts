import { MessageError } from "../base/message-reader.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import type { MethodShape } from "./service.js";

/** How grpc-go begins its refusal of the one request of a call, and of a request of a stream. */
const UNARY = "grpc: error unmarshalling request: ";
const STREAM = "grpc: failed to unmarshal the received message: ";

/** Stands for a request that could not be decoded until its call is answered: grpc-js would answer by itself and not say why. */
export class UnreadableRequest {
  readonly #cause: unknown;

  private constructor(cause: unknown) {
    this.#cause = cause;
  }

  /** A decoder that gives an UnreadableRequest instead of throwing. */
  static instead<T>(decode: (bytes: Buffer) => T): (bytes: Buffer) => T | UnreadableRequest {
    return (bytes) => {
      try {
        return decode(bytes);
      } catch (error) {
        return new UnreadableRequest(error);
      }
    };
  }

  /** The refusal of grpc-go, which etcd is built with; or what failed, where the bytes are not to blame. */
  failure({ requestStream, responseStream }: MethodShape): unknown {
    if (!(this.#cause instanceof MessageError)) return this.#cause;
    return new RpcError(RpcCode.INTERNAL, `${requestStream || responseStream ? STREAM : UNARY}${this.#cause.message}`, { cause: this.#cause });
  }
}
