import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { type Address, formatAddress } from "./address.js";

/** A port cannot be listened on; the message is one line for a user. */
export class PortError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PortError";
  }
}

/** Who listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly name: string;
}

/** The state LISTEN in /proc/net/tcp. */
const LISTEN = "0A";

/** The process that listens on `port` of this machine, as far as Linux shows it to this user; undefined elsewhere. */
export function portHolder(port: number): PortHolder | undefined {
  const sockets = listeningSockets(port);
  if (sockets.size === 0) return undefined;
  for (const entry of readOr([], () => readdirSync("/proc"))) {
    if (!/^\d+$/.test(entry)) continue;
    const fds = `/proc/${entry}/fd`;
    for (const fd of readOr([], () => readdirSync(fds))) {
      if (!sockets.has(readOr("", () => readlinkSync(`${fds}/${fd}`)))) continue;
      return { pid: Number(entry), name: readOr("unknown", () => readFileSync(`/proc/${entry}/comm`, "utf8").trim()) };
    }
  }
  return undefined;
}

/** The sockets (`socket:[inode]`, as /proc/<pid>/fd shows them) that listen on a port. */
function listeningSockets(port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const found = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readOr("", () => readFileSync(table, "utf8")).split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && local.endsWith(suffix)) found.add(`socket:[${inode}]`);
    }
  }
  return found;
}

/** Processes come and go while /proc is read, and those of others are closed to us. */
function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** What to tell a user whose port could not be opened. */
export function listenError(error: Error, address: Address, room: string): PortError {
  const text = formatAddress(address);
  if (/EADDRINUSE|address already in use/i.test(`${(error as NodeJS.ErrnoException).code} ${error.message}`)) {
    const holder = portHolder(address.port);
    const whose = holder === undefined ? "another process" : `pid ${holder.pid} (${holder.name})`;
    return new PortError(`${room} cannot listen on ${text}: ${whose} has the port; stop it, or use another with --port-base N or --ports auto`, error);
  }
  if (/EACCES/.test(error.message)) return new PortError(`${room} cannot listen on ${text}: this user may not open it; use a port above 1023`, error);
  if (/EADDRNOTAVAIL/.test(error.message)) return new PortError(`${room} cannot listen on ${text}: this machine has no such address`, error);
  if ((error as NodeJS.ErrnoException).code === "ERR_SOCKET_BAD_PORT") return new PortError(`${room} cannot listen on ${text}: ports end at 65535; use a lower --port-base, or --ports auto`, error);
  return new PortError(`${room} cannot listen on ${text}: ${error.message}`, error);
}

/** `count` ports of `host` that are free at this moment; the system chooses them, no two are equal. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => listen(0, host)));
  const ports = held.map((server) => (server.address() as { port: number }).port);
  await Promise.all(held.map(stop));
  return ports;
}

/** Below the ports that systems hand out by themselves (Linux from 32768, others from 49152). */
const QUIET = { first: 10_240, end: 32_768, block: 16 } as const;
let asked = 0;

/**
 * `count` free ports, at most 16, of the range that the system does not hand out by itself: between this moment and the one in which they
 * are listened on no connection and no `port 0` of any process takes one. Processes, and calls of one process, begin to look in different
 * places.
 */
export async function quietPorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const blocks = (QUIET.end - QUIET.first) / QUIET.block;
  for (let tried = 0; tried < blocks; tried += 1) {
    // 61 apart, so that processes of neighbouring ids do not meet as they go on.
    const slot = (process.pid * 61 + asked) % blocks;
    asked += 1;
    const first = await freePortBlock(QUIET.first + slot * QUIET.block, count, { host, tries: 1 });
    if (first !== undefined) return Array.from({ length: count }, (_, index) => first + index);
  }
  return freePorts(count, host);
}

/** Fails like the room itself would when one of `ports` is taken; used before anything is started. */
export async function requireFreePorts(ports: ReadonlyMap<string, number>, host = "127.0.0.1"): Promise<void> {
  for (const [room, port] of ports) {
    try {
      await stop(await listen(port, host));
    } catch (error) {
      throw listenError(error as Error, { host, port }, room);
    }
  }
}

/** The first port from `base` on where `count` ports in a row are free; undefined when `tries` blocks were not. */
export async function freePortBlock(base: number, count: number, options: { readonly host?: string; readonly tries?: number } = {}): Promise<number | undefined> {
  const { host = "127.0.0.1", tries = 20 } = options;
  for (let block = 0; block < tries; block += 1) {
    const first = base + block * count;
    if (first + count > 65536) return undefined;
    const opened = await Promise.allSettled(Array.from({ length: count }, (_, index) => listen(first + index, host)));
    const held = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    await Promise.all(held.map(stop));
    if (held.length === count) return first;
  }
  return undefined;
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}
