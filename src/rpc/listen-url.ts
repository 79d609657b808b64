import { isIP } from "node:net";
import { AddressError, formatAddress, parseAddress } from "./address.js";

/** One place to listen at, as etcd writes it: `http://127.0.0.1:2379`, `https://[::1]:2379`, `unix:///run/etcd.sock`, `unixs://localhost:1`. */
export interface ListenUrl {
  /** TLS. */
  readonly secure: boolean;
  /** Where a socket file lies (`unix`, `unixs`); undefined on TCP. */
  readonly path?: string;
  /** Host and port; of no meaning where there is a path. */
  readonly host: string;
  readonly port: number;
}

const SHAPE = /^(https?|unixs?):\/\/(.+)$/;

/** Reads the URL of a listener. Throws AddressError, as etcd refuses: other schemes, missing ports, host names that would have to be looked up. */
export function parseListenUrl(text: string): ListenUrl {
  const [, scheme = "", rest = ""] = SHAPE.exec(text.trim()) ?? [];
  if (scheme === "") throw new AddressError(`URL scheme must be http, https, unix, or unixs: ${text}`);
  const secure = scheme.endsWith("s");
  if (scheme.startsWith("unix")) return { secure, path: rest, host: "", port: 0 };
  if (/[/?#]/.test(rest.replace(/\/$/, ""))) throw new AddressError(`URL must not contain a path: ${text}`);
  const address = addressOf(rest.replace(/\/$/, ""), text);
  // As etcd: Go listens on the first IPv4 address of localhost, Node on whatever the resolver puts first.
  if (address.host === "localhost") return { secure, ...address, host: "127.0.0.1" };
  if (isIP(address.host) === 0) throw new AddressError(`expected IP in URL for binding (${text})`);
  return { secure, ...address };
}

function addressOf(rest: string, text: string): { readonly host: string; readonly port: number } {
  try {
    return parseAddress(rest.startsWith(":") ? `0.0.0.0${rest}` : rest);
  } catch {
    throw new AddressError(`URL address does not have the form "host:port": ${text}`);
  }
}

/** The URL as clients write it. */
export function formatListenUrl(url: ListenUrl): string {
  const tail = url.secure ? "s" : "";
  return url.path === undefined ? `http${tail}://${formatAddress(url)}` : `unix${tail}://${url.path}`;
}

/** What is bound for a URL; URLs with one and the same target share a listener that tells TLS from plain text by the first byte. */
export function listenTarget(url: ListenUrl): string {
  return url.path ?? formatAddress(url);
}
