import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RpcError } from "../../src/base/rpc-error.js";
import { EtcdClient } from "../../src/rpc/etcd-client.js";
import { findProgram } from "./external-program.js";

/** A server to test and how to end it. */
export interface ServerUnderTest {
  readonly address: string;
  close(): Promise<void>;
}

/** The etcd that is installed, in its process. */
export interface RealEtcd extends ServerUnderTest {
  readonly pid: number;
  /** Ends the process with SIGKILL and leaves its directory. */
  kill(): Promise<void>;
  /** Starts it again on its directory and port after `kill`, and waits until it serves. */
  restart(): Promise<void>;
}

/** What a real etcd is started with, besides its addresses. */
export interface RealEtcdOptions {
  /** More flags. */
  readonly flags?: readonly string[];
  /** A directory made by `etcdctl snapshot restore` for the same peer URL and the name `default`; a fresh one when absent. */
  readonly restored?: { readonly directory: string; readonly peerUrl: string };
}

/** Version of the etcd that is installed, such as `3.4.23`; undefined where there is none. */
export function realEtcdVersion(): string | undefined {
  const program = findProgram("etcd");
  return program === undefined ? undefined : /^etcd Version: (\S+)/m.exec(spawnSync(program, ["--version"], { encoding: "utf8" }).stdout)?.[1];
}

/** A peer URL for a directory that is to be restored: its members are written into it. */
export async function freePeerUrl(): Promise<string> {
  return `http://127.0.0.1:${(await freePorts(1))[0]}`;
}

/** Starts the etcd that is installed, on a fresh directory unless told otherwise. */
export async function startRealEtcd(options: RealEtcdOptions = {}): Promise<RealEtcd> {
  const program = findProgram("etcd");
  if (program === undefined) throw new Error("etcd is not installed (Debian: etcd-server)");
  const directory = options.restored?.directory ?? mkdtempSync(join(tmpdir(), "spheresim-real-etcd-"));
  const [client, peer] = await freePorts(2);
  const clientUrl = `http://127.0.0.1:${client}`;
  const peerUrl = options.restored?.peerUrl ?? `http://127.0.0.1:${peer}`;
  const address = `127.0.0.1:${client}`;
  const begin = async (): Promise<Running> => {
    const child = spawn(
      program,
      [
        ["--data-dir", directory],
        ["--listen-client-urls", clientUrl],
        ["--advertise-client-urls", clientUrl],
        ["--listen-peer-urls", peerUrl],
        ["--initial-advertise-peer-urls", peerUrl],
        ["--initial-cluster", `default=${peerUrl}`],
        ["--log-level", "error"],
        options.flags ?? [],
      ].flat(),
      { stdio: "ignore" },
    );
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const kill = async (): Promise<void> => {
      child.kill("SIGKILL");
      await ended;
    };
    try {
      await serves(address);
    } catch (error) {
      await kill();
      throw error;
    }
    return { pid: child.pid as number, kill };
  };
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    let running = await begin();
    return {
      address,
      get pid() {
        return running.pid;
      },
      kill: () => running.kill(),
      restart: async () => {
        running = await begin();
      },
      close: async () => {
        await running.kill();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** One life of a server. */
interface Running {
  readonly pid: number;
  kill(): Promise<void>;
}

/** Resolves when a server answers. */
async function serves(address: string): Promise<void> {
  const probe = new EtcdClient({ endpoints: [address], deadlineMs: 20_000 });
  try {
    await probe.get("ready");
  } catch (error) {
    // One that asks who calls is ready too.
    if (!RpcError.is(error) || error.message !== "etcdserver: user name is empty") throw error;
  } finally {
    probe.close();
  }
}

/** Ports that are free now. etcd wants to be told its port, so there is no better way. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
