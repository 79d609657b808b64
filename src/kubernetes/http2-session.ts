import { connect, constants } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader, OutgoingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import type { Clock, Timer } from "../base/clock.js";
import type { OngoingCall } from "./ongoing-call.js";
import { transportError } from "./status.js";

/** TLS material in PEM; with `token` instead of a certificate the token travels in each request's header. */
export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the server's certificate must carry, where it is not the host of the URL. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

/** The head of an answer whose body is still to be read. */
export interface Http2Response {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
}

/** An answer that was read to its end. */
export interface Http2Answer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** After this much silence a ping asks whether the server is still there. */
const IDLE_PING_MS = 30_000;
/** A ping without an answer for this long ends the connection. */
const PING_TIMEOUT_MS = 15_000;
/** How long connecting may take. */
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
/** Longest answer that is read whole. */
export const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** One HTTP/2 connection to one origin, made on demand and made again when it died or the server said goodbye. */
export class Http2Session {
  readonly #origin: string;
  readonly #tls: TlsMaterial;
  readonly #clock: Clock;
  #current: Promise<ClientHttp2Session> | undefined;
  /** Connections that stand or are being made, each with its number of running requests. */
  readonly #open = new Map<ClientHttp2Session, number>();
  /** What ends or asks after a connection that is silent. */
  readonly #timers = new Map<ClientHttp2Session, Timer>();
  #closed = false;

  constructor(options: { readonly origin: string; readonly tls: TlsMaterial; readonly clock: Clock }) {
    this.#origin = options.origin;
    this.#tls = options.tls;
    this.#clock = options.clock;
  }

  /** Sends a request without a body and resolves with the answer's head; rejects with a transport ApiError, of which `wasNeverSent` says if the server may have seen it. */
  async open(headers: OutgoingHttpHeaders, signal: AbortSignal | undefined): Promise<Http2Response> {
    signal?.throwIfAborted();
    const session = await this.#standing();
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stream = this.#start(session, headers, undefined);
      let answered = false;
      let failure: Error | undefined;
      const onAbort = (): void => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(signal?.reason instanceof Error ? signal.reason : transportError(`request to ${this.#origin} was aborted`, signal?.reason));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      stream.on("response", (head) => {
        answered = true;
        resolve({ statusCode: statusCodeOf(head), headers: head, stream });
      });
      stream.on("error", (error: Error) => (failure = error));
      stream.on("close", () => {
        this.#count(session, -1);
        signal?.removeEventListener("abort", onAbort);
        if (!answered) reject(this.#unanswered(stream, failure));
      });
    });
  }

  /** Sends a request and resolves with the whole answer; rejects as `open` does, or with what `call` was ended for. */
  async exchange(headers: OutgoingHttpHeaders, body: Buffer | undefined, call: OngoingCall): Promise<Http2Answer> {
    call.throwIfEnded();
    const session = await this.#standing();
    call.throwIfEnded();
    return new Promise((resolve, reject) => {
      const stream = this.#start(session, headers, body);
      let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | undefined;
      let whole = false;
      let failure: Error | undefined;
      const chunks: Buffer[] = [];
      let bytes = 0;
      call.onEnd = (reason) => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(reason);
      };
      stream.on("response", (received) => (head = received));
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
        else stream.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
      });
      stream.on("end", () => {
        // A stream that was reset ends like one that is whole.
        whole = head !== undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR;
        if (whole) resolve({ statusCode: statusCodeOf(head!), headers: head!, text: textOf(chunks) });
      });
      stream.on("error", (error: Error) => (failure = error));
      stream.on("close", () => {
        this.#count(session, -1);
        if (!whole) reject(head === undefined ? this.#unanswered(stream, failure) : brokeOff(failure));
      });
    });
  }

  async #standing(): Promise<ClientHttp2Session> {
    try {
      return await this.#connected();
    } catch (error) {
      throw notSent(`connect to ${this.#origin}: ${messageOf(error)}`, error);
    }
  }

  #start(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: Buffer | undefined): ClientHttp2Stream {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers, { endStream: body === undefined });
    } catch (error) {
      throw notSent(`request to ${this.#origin}: ${messageOf(error)}`, error);
    }
    this.#count(session, 1);
    if (body !== undefined) stream.end(body);
    return stream;
  }

  /** The error of a request whose stream ended before an answer. */
  #unanswered(stream: ClientHttp2Stream, failure: Error | undefined): Error {
    const text = `request to ${this.#origin}: ${failure === undefined ? "the connection was closed before an answer" : messageOf(failure)}`;
    return stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? notSent(text, failure) : transportError(text, failure);
  }

  /** Ends every connection; running requests fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    this.#current = undefined;
    for (const session of this.#open.keys()) this.#drop(session);
    await current?.catch(() => undefined);
  }

  /** A connection the server said goodbye on ends with its last request; Node itself leaves it half open. */
  #count(session: ClientHttp2Session, change: 1 | -1): void {
    const running = (this.#open.get(session) ?? 0) + change;
    if (this.#open.has(session)) this.#open.set(session, running);
    if (running === 0 && session.closed && !session.destroyed) this.#drop(session);
  }

  /** Its `close` comes later, where the server has to say goodbye too; nothing waits for that. */
  #drop(session: ClientHttp2Session): void {
    this.#open.delete(session);
    this.#stopTimer(session);
    session.destroy();
  }

  #stopTimer(session: ClientHttp2Session): void {
    this.#timers.get(session)?.cancel();
    this.#timers.delete(session);
  }

  #connected(): Promise<ClientHttp2Session> {
    if (this.#closed) return Promise.reject(new Error("the client is closed"));
    if (this.#current !== undefined) return this.#current;
    const current = this.#connect();
    this.#current = current;
    current.catch(() => {
      if (this.#current === current) this.#current = undefined;
    });
    return current;
  }

  #connect(): Promise<ClientHttp2Session> {
    const options: SecureClientSessionOptions = {
      ALPNProtocols: ["h2"],
      rejectUnauthorized: this.#tls.insecureSkipVerify !== true,
      settings: { initialWindowSize: STREAM_WINDOW_BYTES, enablePush: false },
      ...(this.#tls.ca === undefined ? {} : { ca: this.#tls.ca }),
      ...(this.#tls.cert === undefined ? {} : { cert: this.#tls.cert }),
      ...(this.#tls.key === undefined ? {} : { key: this.#tls.key }),
      ...(this.#tls.serverName === undefined ? {} : { servername: this.#tls.serverName }),
    };
    return new Promise((resolve, reject) => {
      const session = connect(this.#origin, options);
      this.#open.set(session, 0);
      this.#timers.set(session, this.#clock.timer(CONNECT_TIMEOUT_MS, () => session.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`))));
      const forget = (): void => {
        if (this.#current !== undefined) {
          const mine = this.#current;
          void mine.then(
            (now) => {
              if (now === session && this.#current === mine) this.#current = undefined;
            },
            () => undefined,
          );
        }
      };
      session.once("connect", () => {
        // Told of a connection that was ended meanwhile, too; its `close` follows.
        if (session.destroyed) return;
        this.#stopTimer(session);
        session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
        this.#keepAlive(session);
        resolve(session);
      });
      session.on("error", (error: Error) => reject(error));
      session.once("goaway", () => {
        forget();
        this.#stopTimer(session);
        if (this.#open.get(session) === 0) this.#drop(session);
      });
      session.once("close", () => {
        this.#stopTimer(session);
        this.#open.delete(session);
        forget();
        reject(new Error("the connection was closed"));
      });
    });
  }

  /** Asks after each while whether the server is still there; of a connection that is ending nothing is asked any more. */
  #keepAlive(session: ClientHttp2Session): void {
    if (session.closed || session.destroyed || !this.#open.has(session)) return;
    const idle = this.#clock.timer(IDLE_PING_MS, () => {
      if (session.closed || session.destroyed) return;
      this.#timers.set(session, this.#clock.timer(PING_TIMEOUT_MS, () => session.destroy(new Error("the server did not answer a ping"))));
      session.ping(() => {
        this.#stopTimer(session);
        this.#keepAlive(session);
      });
    });
    this.#timers.set(session, idle);
  }
}

const unsent = new WeakSet<object>();

function notSent(message: string, cause: unknown): Error {
  const error = transportError(message, cause);
  unsent.add(error);
  return error;
}

/** Whether the failed request surely never reached the server, so that any call may be repeated. */
export function wasNeverSent(error: unknown): boolean {
  return typeof error === "object" && error !== null && unsent.has(error);
}

/** The error of a request whose answer is not whole. */
export function brokeOff(failure?: unknown): Error {
  return transportError(`the answer broke off: ${failure === undefined ? "the connection was closed" : messageOf(failure)}`, failure);
}

function statusCodeOf(head: IncomingHttpStatusHeader): number {
  return head[":status"] ?? 0;
}

/** Most answers come in one piece. */
function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  return (first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)).toString("utf8");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
