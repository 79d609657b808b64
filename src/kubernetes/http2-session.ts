import { connect, constants } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader, OutgoingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import type { Clock, Timer } from "../base/clock.js";
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

export interface Http2Response {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
}

/** After this much silence a ping asks whether the server is still there. */
const IDLE_PING_MS = 30_000;
/** A ping without an answer for this long ends the connection. */
const PING_TIMEOUT_MS = 15_000;
/** How long connecting may take. */
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;

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

  /** Sends a request and resolves with the answer's head; rejects with a transport ApiError, whose `sent` says if the server may have seen it. */
  async request(headers: OutgoingHttpHeaders, body: Buffer | undefined, signal: AbortSignal | undefined): Promise<Http2Response> {
    signal?.throwIfAborted();
    let session: ClientHttp2Session;
    try {
      session = await this.#connected();
    } catch (error) {
      throw notSent(`connect to ${this.#origin}: ${messageOf(error)}`, error);
    }
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      let stream: ClientHttp2Stream;
      try {
        stream = session.request(headers, { endStream: body === undefined });
      } catch (error) {
        reject(notSent(`request to ${this.#origin}: ${messageOf(error)}`, error));
        return;
      }
      const onAbort = (): void => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(signal?.reason instanceof Error ? signal.reason : transportError(`request to ${this.#origin} was aborted`, signal?.reason));
      };
      const settle = (): void => {
        stream.off("close", onClose);
        stream.off("response", onResponse);
      };
      const onResponse = (head: IncomingHttpHeaders & IncomingHttpStatusHeader): void => {
        settle();
        resolve({ statusCode: head[":status"] ?? 0, headers: head, stream });
      };
      let failure: Error | undefined;
      const onClose = (): void => {
        settle();
        signal?.removeEventListener("abort", onAbort);
        const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
        const text = `request to ${this.#origin}: ${failure === undefined ? "the connection was closed before an answer" : messageOf(failure)}`;
        reject(refused ? notSent(text, failure) : transportError(text, failure));
      };
      stream.on("error", (error: Error) => {
        failure = error;
      });
      stream.once("response", onResponse);
      stream.once("close", onClose);
      this.#count(session, 1);
      stream.once("close", () => {
        signal?.removeEventListener("abort", onAbort);
        this.#count(session, -1);
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      if (body !== undefined) stream.end(body);
    });
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
