import { RpcCode, RpcError } from "../base/rpc-error.js";

/** The part of a grpc-js stream that StreamWriter needs. */
export interface MessageSink<T> {
  write(message: T): boolean;
  once(event: string, listener: () => void): unknown;
  readonly writableLength: number;
}

/**
 * The one way to write onto a gRPC stream.
 *
 * `write` resolves when there is room for the next message, so a loop that awaits it moves at the pace of its reader: behind a
 * reader that stands still wait at most grpc-js's 16 messages and one HTTP/2 window. Callers that do not await share a limit.
 */
export class StreamWriter<T> {
  readonly #sink: MessageSink<T>;
  readonly #maxWaiting: number;
  readonly #onWrite: (() => void) | undefined;
  #goneWith: RpcError | undefined;
  #drained: Promise<void> | undefined;
  #endWait: ((error: RpcError | undefined) => void) | undefined;

  /** `maxWaiting`: messages that may wait unsent before `write` answers RESOURCE_EXHAUSTED; `onWrite` hears of each message. */
  constructor(sink: MessageSink<T>, maxWaiting = 1024, onWrite?: () => void) {
    this.#sink = sink;
    this.#onWrite = onWrite;
    this.#maxWaiting = maxWaiting;
  }

  /** The peer is gone or the stream is over: writes throw. */
  get gone(): boolean {
    return this.#goneWith !== undefined;
  }

  /** Messages handed over and not yet sent. */
  get waiting(): number {
    return this.#sink.writableLength;
  }

  /** Hands a message over; resolves when the next one may follow, throws when nobody will read it. */
  write(message: T): Promise<void> {
    if (this.#goneWith !== undefined) return Promise.reject(this.#goneWith);
    if (this.#sink.writableLength >= this.#maxWaiting) {
      return Promise.reject(new RpcError(RpcCode.RESOURCE_EXHAUSTED, `${this.#maxWaiting} messages wait for a reader that does not read`));
    }
    this.#onWrite?.();
    if (this.#sink.write(message)) return WRITTEN;
    this.#drained ??= new Promise((resolve, reject) => {
      this.#endWait = (error) => {
        this.#drained = undefined;
        this.#endWait = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#sink.once("drain", () => this.#endWait?.(undefined));
    });
    return this.#drained;
  }

  /** Ends all waiting with `error`; called by the owner of the stream when the call is over. */
  leave(error: RpcError): void {
    if (this.#goneWith !== undefined) return;
    this.#goneWith = error;
    // Whoever wrote without awaiting must not bring the process down.
    this.#drained?.catch(() => undefined);
    this.#endWait?.(error);
  }
}

const WRITTEN = Promise.resolve();
