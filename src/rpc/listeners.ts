import { lstatSync, rmSync } from "node:fs";
import type { Duplex } from "node:stream";
import { formatAddress } from "./address.js";
import type { HttpLimits } from "./http-limits.js";
import { type HttpHandler, type Listener, type ListenerOptions, openListener } from "./listener.js";
import { type ListenUrl, listenTarget } from "./listen-url.js";
import { listenError, PortError } from "./port.js";
import type { ServerTls } from "./tls.js";

/** Where a server listens, and what it does with connections. */
export interface ListenersOptions {
  /** Who listens, for the text of a refusal. */
  readonly room: string;
  readonly urls: readonly ListenUrl[];
  /** Where HTTP alone is spoken, with `metricsHttp`. */
  readonly metricsUrls: readonly ListenUrl[];
  readonly tls?: ServerTls | undefined;
  readonly limits: HttpLimits;
  readonly http: HttpHandler;
  readonly metricsHttp: HttpHandler;
  readonly onHttp2: (connection: Duplex) => void;
}

/** All open places of a server. */
export interface Listening {
  /** Of the first URL: `host:port` to connect to, or the path of the socket file. */
  readonly address: string;
  /** Of the first URL; 0 for a socket file. */
  readonly port: number;
  /** Takes no more connections. */
  stop(): void;
  /** Cuts off every connection. */
  destroy(): void;
}

/** Listens everywhere, or nowhere: rejects with PortError, one line for a user, when one place cannot be had. */
export async function openListeners(options: ListenersOptions): Promise<Listening> {
  const opened: Listener[] = [];
  const stop = (): void => opened.forEach((listener) => listener.stop());
  try {
    for (const group of byTarget(options.urls)) opened.push(await open(options, group, { http: options.http, onHttp2: options.onHttp2 }));
    for (const group of byTarget(options.metricsUrls)) opened.push(await open(options, group, { http: options.metricsHttp }));
  } catch (error) {
    stop();
    throw error;
  }
  const [url] = options.urls;
  const [first] = opened;
  if (url === undefined || first === undefined) throw new PortError(`${options.room} is told to listen nowhere`);
  return {
    address: url.path ?? formatAddress({ host: url.host, port: first.port }),
    port: first.port,
    stop,
    destroy: () => opened.forEach((listener) => listener.destroy()),
  };
}

/** URLs of one place share its listener, but each port 0 is a place of its own. */
function byTarget(urls: readonly ListenUrl[]): ListenUrl[][] {
  const groups = new Map<string, ListenUrl[]>();
  for (const [index, url] of urls.entries()) {
    const name = url.path === undefined && url.port === 0 ? `any port ${index}` : listenTarget(url);
    groups.set(name, [...(groups.get(name) ?? []), url]);
  }
  return [...groups.values()];
}

async function open(options: ListenersOptions, group: readonly ListenUrl[], speaks: Pick<ListenerOptions, "http" | "onHttp2">): Promise<Listener> {
  const [{ path, host, port }] = group as [ListenUrl];
  const secure = group.some((url) => url.secure);
  if (secure && options.tls === undefined) throw new PortError(`${options.room} cannot speak TLS at ${path ?? formatAddress({ host, port })}: it has no certificate and key`);
  if (path !== undefined) removeSocket(path);
  try {
    return await openListener({ target: path === undefined ? { host, port } : { path }, plain: group.some((url) => !url.secure), tls: secure ? options.tls : undefined, limits: options.limits, ...speaks });
  } catch (error) {
    if (path === undefined) throw listenError(error as Error, { host, port }, options.room);
    throw new PortError(`${options.room} cannot listen on the socket file ${path}: ${(error as Error).message}`, error);
  }
}

/** A socket file that a dead process has left would keep the new one out. */
function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path);
}
