import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Address } from "./address.js";
import type { TlsMaterial } from "./tls.js";

/** Answers plain HTTP/1.1 on a port that speaks gRPC too. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What a port does with its connections. */
export interface ListenerOptions {
  readonly address: Address;
  readonly tls?: TlsMaterial | undefined;
  /** Gets connections that speak HTTP/2. */
  readonly onHttp2: (connection: Socket) => void;
  /** Answers HTTP/1.1 requests. */
  readonly http: HttpHandler;
}

/** An open port that knows its connections. */
export interface Listener {
  readonly port: number;
  /** Takes no more connections; those that are there stay. */
  stop(): void;
  /** Cuts off every connection. */
  destroy(): void;
}

/** The first bytes of every HTTP/2 connection (RFC 9113, section 3.4) and of no HTTP/1.1 request. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0");
/** A connection that says nothing for so long is none of ours. */
const FIRST_BYTES_LIMIT_MS = 30_000;

/** Opens a port; rejects with the error of the system when it cannot. */
export function openListener(options: ListenerOptions): Promise<Listener> {
  const connections = new Set<Socket>();
  const dispatch = dispatcher(options);
  const server = options.tls === undefined ? createServer({ noDelay: true }, dispatch) : tlsServer(options.tls, dispatch);
  server.on("connection", (connection: Socket) => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
    // The protocol above reports what a broken connection means; here it only must not be fatal.
    connection.on("error", () => undefined);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.address.host, port: options.address.port, exclusive: true }, () => {
      resolve({
        port: (server.address() as { port: number }).port,
        stop: () => void server.close(),
        destroy: () => connections.forEach((connection) => connection.destroy()),
      });
    });
  });
}

function tlsServer(tls: TlsMaterial, dispatch: (connection: Socket) => void): Server {
  const server = createTlsServer({
    key: tls.keyPem,
    cert: tls.certPem,
    ca: tls.caPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2", "http/1.1"],
  });
  server.on("secureConnection", dispatch);
  // A failed handshake is the client's to report.
  server.on("tlsClientError", () => undefined);
  return server;
}

function dispatcher(options: ListenerOptions): (connection: Socket) => void {
  const { onHttp2, http } = options;
  const httpServer = createHttpServer(http);
  const onHttp1 = (connection: Socket): void => void httpServer.emit("connection", connection);
  return (connection) => {
    connection.setTimeout(FIRST_BYTES_LIMIT_MS, () => connection.destroy());
    readPreface(connection, (http2) => {
      connection.setTimeout(0);
      connection.removeAllListeners("timeout");
      if (http2) onHttp2(connection);
      else onHttp1(connection);
    });
  };
}

/** Looks at the first bytes and puts them back. */
function readPreface(connection: Socket, found: (http2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk = connection.read() as Buffer | null; chunk !== null; chunk = connection.read() as Buffer | null) seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, HTTP2_PREFACE.length);
    const maybe = length > 0 && seen.subarray(0, length).equals(HTTP2_PREFACE.subarray(0, length));
    if (length === 0 || (maybe && length < HTTP2_PREFACE.length)) return;
    connection.off("readable", onReadable);
    connection.unshift(seen);
    found(maybe);
  };
  connection.on("readable", onReadable);
}
