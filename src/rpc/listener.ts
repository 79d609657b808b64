import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type PeerCertificate, type Server as TlsServer, TLSSocket } from "node:tls";
import { type HttpLimits, cutUnfinished } from "./http-limits.js";
import { openHttp2 } from "./http2-opening.js";
import type { ServerTls } from "./tls.js";

/** Answers plain HTTP on a port that speaks gRPC too; HTTP/2 requests come in Node's compatible form. */
export type HttpHandler = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void;

/** What a listener does with its connections. */
export interface ListenerOptions {
  /** A TCP address, or the path of a socket file. */
  readonly target: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Speaks plain text. With `tls` too the first byte of a connection tells the two apart. */
  readonly plain: boolean;
  readonly tls?: ServerTls | undefined;
  /** Gets connections that speak HTTP/2; without it there is HTTP/1.1 only. */
  readonly onHttp2?: ((connection: Duplex) => void) | undefined;
  /** Answers HTTP/1.1 requests. */
  readonly http: HttpHandler;
  readonly limits: HttpLimits;
}

/** An open listener that knows its connections. */
export interface Listener {
  /** The port; 0 for a socket file. */
  readonly port: number;
  /** Takes no more connections; those that are there stay. */
  stop(): void;
  /** Cuts off every connection. */
  destroy(): void;
}

/** The first bytes of every HTTP/2 connection (RFC 9113, section 3.4) and of no HTTP/1.1 request. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0");
/** The first byte of a TLS connection: record type handshake. */
const TLS_HANDSHAKE = Buffer.from([0x16]);
/** Opens a listener; rejects with the error of the system when it cannot. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const connections = new Set<Socket>();
  const { limits } = options;
  // The HTTP server listens itself, or its watch over slow clients would not run; what connections speak is found out before it sees them.
  const server = createServer({ headersTimeout: limits.headersMs, requestTimeout: 0, keepAliveTimeout: limits.idleMs, connectionsCheckingInterval: limits.checkMs }, (request, response) => {
    cutUnfinished(request, response, limits);
    options.http(request, response);
  });
  const [serveHttp] = server.listeners("connection") as [(connection: Socket) => void];
  const dispatch = dispatcher(options, (connection) => serveHttp.call(server, connection));
  server.maxConnections = limits.maxConnections;
  server.removeAllListeners("connection").on("connection", (connection: Socket) => {
    // HTTP servers leave connections half open; all others here end when the client does.
    connection.allowHalfOpen = false;
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
    // The protocol above reports what a broken connection means; here it only must not be fatal.
    connection.on("error", () => undefined);
    dispatch(connection);
  });
  const listening = once(server, "listening");
  server.listen({ ...options.target, exclusive: true });
  await listening;
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    stop: () => void server.close(),
    destroy: () => connections.forEach((connection) => connection.destroy()),
  };
}

function dispatcher({ plain, tls, onHttp2, limits }: ListenerOptions, serveHttp: (connection: Socket) => void): (connection: Socket) => void {
  const byProtocol = (connection: Socket): void => {
    firstBytes(connection, HTTP2_PREFACE, limits.firstBytesMs, (http2) => {
      // A connection that a certificate speaks for stays what it is: whose it is, is read from its socket.
      if (http2 && onHttp2 !== undefined && showsCertificate(connection)) onHttp2(connection);
      else if (http2 && onHttp2 !== undefined) openHttp2(connection, onHttp2);
      else serveHttp(connection);
    });
  };
  if (tls === undefined) return byProtocol;
  const secure = tlsServer(tls, byProtocol, onHttp2 !== undefined);
  const handshake = (connection: Socket): void => void secure.emit("connection", connection);
  if (!plain) return handshake;
  return (connection) => firstBytes(connection, TLS_HANDSHAKE, limits.firstBytesMs, (isTls) => (isTls ? handshake : byProtocol)(connection));
}

function tlsServer(tls: ServerTls, secured: (connection: Socket) => void, http2: boolean): TlsServer {
  const clientCertAuth = tls.clientCertAuth ?? true;
  const server = createTlsServer({
    key: tls.keyPem,
    cert: tls.certPem,
    ca: tls.caPem,
    ciphers: tls.ciphers,
    requestCert: clientCertAuth,
    rejectUnauthorized: clientCertAuth,
    minVersion: tls.minVersion ?? "TLSv1.2",
    maxVersion: tls.maxVersion,
    ALPNProtocols: http2 ? ["h2", "http/1.1"] : ["http/1.1"],
  });
  server.on("secureConnection", (connection: TLSSocket) => {
    connection.on("error", () => undefined);
    if (clientCertAuth && !isWelcome(connection.getPeerCertificate(), tls)) connection.destroy();
    else secured(connection);
  });
  // A failed handshake is the client's to report.
  server.on("tlsClientError", () => undefined);
  return server;
}

function showsCertificate(connection: Socket): boolean {
  return connection instanceof TLSSocket && connection.authorized;
}

/** Whether a trusted certificate is not revoked and carries one of the names that are asked for, if any are. */
function isWelcome(certificate: PeerCertificate, { revokedSerials, clientNames: names = [] }: ServerTls): boolean {
  if (revokedSerials?.has(certificate.serialNumber) === true) return false;
  const carried = (certificate.subjectaltname ?? "").split(", ");
  return names.length === 0 || names.some((name) => carried.includes(`DNS:${name}`) || carried.includes(`IP Address:${name}`));
}

/** Looks whether a connection begins with these bytes, and puts back what it read. */
function firstBytes(connection: Socket, expected: Buffer, limitMs: number, found: (yes: boolean) => void): void {
  let seen = Buffer.alloc(0);
  connection.setTimeout(limitMs, () => connection.destroy());
  const onReadable = (): void => {
    for (let chunk = connection.read() as Buffer | null; chunk !== null; chunk = connection.read() as Buffer | null) seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, expected.length);
    const maybe = length > 0 && seen.subarray(0, length).equals(expected.subarray(0, length));
    if (length === 0 || (maybe && length < expected.length)) return;
    connection.off("readable", onReadable);
    connection.setTimeout(0);
    connection.removeAllListeners("timeout");
    connection.unshift(seen);
    found(maybe);
  };
  connection.on("readable", onReadable);
}
