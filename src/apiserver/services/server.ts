import { createSecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { formatAddress, parseAddress } from "../../rpc/address.js";
import type { TlsMaterial } from "../../rpc/tls.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { internalError, serviceUnavailable, StatusError } from "../errors.js";
import type { Caller } from "../kinds/kind.js";
import type { Authenticator } from "./authenticator.js";
import { Exchange, type Response } from "./exchange.js";
import type { Request } from "./request-body.js";

/** Answers one request whose caller is known. */
export type Handler = (exchange: Exchange) => Promise<void>;

/** Who is not known, and is only told so. */
const NOBODY: Caller = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** How long a closing server lets answers under way finish. */
const CLOSE_LIMIT_MS = 1_000;

function socketOf(request: Request): TLSSocket {
  const session = "stream" in request ? (request).stream.session : undefined;
  return (session?.socket ?? request.socket) as TLSSocket;
}

/** Whatever went wrong, as a Status. An unreachable store is 503: nothing is wrong with the request. */
function asStatusError(error: unknown, log: Logger): StatusError {
  if (error instanceof StatusError) return error;
  if (RpcError.is(error, RpcCode.UNAVAILABLE) || RpcError.is(error, RpcCode.DEADLINE_EXCEEDED) || RpcError.is(error, RpcCode.CANCELLED)) return serviceUnavailable(`the store cannot be reached: ${error.message}`);
  if (RpcError.is(error, RpcCode.INVALID_ARGUMENT) && error.message.includes("request is too large")) return new StatusError(413, "RequestEntityTooLarge", error.message);
  log.error({ err: error }, "a request failed");
  return internalError(error instanceof Error ? error.message : String(error));
}

/** An HTTPS server that speaks HTTP/2 and HTTP/1.1 on one port. */
export class HttpsServer {
  readonly address: string;
  readonly #server: ReturnType<typeof createSecureServer>;
  readonly #sessions: Set<ServerHttp2Session>;
  readonly #sockets: Set<TLSSocket>;

  private constructor(server: ReturnType<typeof createSecureServer>, address: string, sessions: Set<ServerHttp2Session>, sockets: Set<TLSSocket>) {
    this.#server = server;
    this.address = address;
    this.#sessions = sessions;
    this.#sockets = sockets;
  }

  static async listen(options: { readonly listen: string; readonly tls: TlsMaterial; readonly authenticator: Authenticator; readonly handler: Handler; readonly monotonic: Clock; readonly log: Logger }): Promise<HttpsServer> {
    const { tls, authenticator, handler, monotonic, log } = options;
    const sessions = new Set<ServerHttp2Session>();
    const sockets = new Set<TLSSocket>();
    const callers = new WeakMap<TLSSocket, Caller>();
    const server = createSecureServer({
      allowHTTP1: true,
      cert: tls.certPem,
      key: tls.keyPem,
      ca: tls.caPem,
      requestCert: true,
      // A stranger gets an HTTP answer that says so, not a broken handshake.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      settings: { maxConcurrentStreams: 1000, initialWindowSize: 1 << 20 },
    });
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session));
      session.on("error", (error) => log.debug({ err: error }, "a session broke"));
    });
    server.on("secureConnection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.on("tlsClientError", (error) => log.debug({ err: error }, "a TLS handshake failed"));
    server.on("sessionError", (error) => log.debug({ err: error }, "a session failed"));
    const callerOf = (request: Request): Caller => {
      const socket = socketOf(request);
      const { authorization } = request.headers;
      if (authorization !== undefined) return authenticator.authenticate(socket, authorization);
      const known = callers.get(socket);
      if (known !== undefined) return known;
      const caller = authenticator.authenticate(socket, undefined);
      callers.set(socket, caller);
      return caller;
    };
    const answer = async (request: Request, response: Response): Promise<void> => {
      let exchange: Exchange | undefined;
      try {
        exchange = new Exchange(request, response, callerOf(request), monotonic);
        await handler(exchange);
      } catch (error) {
        if (response.destroyed) return;
        exchange ??= new Exchange(request, response, NOBODY, monotonic);
        exchange.refuse(asStatusError(error, log));
      }
    };
    server.on("request", (request: Request, response: Response) => {
      response.on("error", (error: Error) => log.debug({ err: error }, "an answer broke"));
      answer(request, response).catch((error: unknown) => {
        log.error({ err: error }, "an answer could not be sent");
        response.destroy();
      });
    });
    const { host, port } = parseAddress(options.listen);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => log.error({ err: error }, "the listener failed"));
    const bound = server.address() as AddressInfo;
    return new HttpsServer(server, formatAddress({ host, port: bound.port }), sessions, sockets);
  }

  /** Stops listening, lets answers finish for a moment, then cuts what remains. */
  async close(clock: Clock): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const limit = clock.timer(CLOSE_LIMIT_MS, () => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    limit.cancel();
  }
}
