/** A host and a TCP port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The text is no address, or one that must not be listened on; the message is one line for a user. */
export class AddressError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AddressError";
  }
}

const SHAPE = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/;

/** Reads `host:port`; an IPv6 host stands in brackets: `[::1]:7431`. Port 0 means that the system chooses. */
export function parseAddress(text: string): Address {
  const match = SHAPE.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw new AddressError(`"${text}" is not an address; write host:port, such as 127.0.0.1:7431`);
  const host = match[1] ?? match[2] ?? "";
  if (host === "") throw new AddressError(`"${text}" names no host; write 127.0.0.1:${port} to listen on this machine only`);
  return { host, port };
}

/** `host:port`, with brackets where the host is IPv6. */
export function formatAddress(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether the host can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host) || /^::ffff:127(?:\.\d{1,3}){3}$/i.test(host);
}

/** Refuses to open an unprotected port to other machines. */
export function requireLoopbackOrTls(address: Address, tls: boolean): void {
  if (tls || isLoopback(address.host)) return;
  throw new AddressError(`refusing to listen on ${formatAddress(address)} without TLS: other machines could reach it; use 127.0.0.1:${address.port} or add --tls`);
}
