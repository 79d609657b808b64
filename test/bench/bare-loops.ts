import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { openChannel } from "../../src/rpc/channel.js";
import { serve, startRpcServer } from "../../src/rpc/server.js";
import { EchoService, EchoServiceClient } from "../rpc/echo-service.js";

/** What the machine gives to programs that do nothing else: the measure of the figures beside it. */
export interface BareLoops {
  /** Unary gRPC calls of a few bytes over loopback, client and server together. */
  readonly unaryCall: { readonly perSecond: number; readonly cpuMs: number };
  /** Writes of 4 KiB, each with its own fdatasync. */
  readonly fsync: { readonly perSecond: number };
}

const clock = monotonicClock();
const calls = 4_000;
const outstanding = 64;
const syncs = 200;

export async function bareLoops(): Promise<BareLoops> {
  return { unaryCall: await unaryCalls(), fsync: fsyncs() };
}

async function unaryCalls(): Promise<BareLoops["unaryCall"]> {
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "bench", log: silentLogger, services: [serve(EchoService, { once: (note) => note })] });
  const channel = openChannel({ address: server.address });
  const client = channel.client(EchoServiceClient);
  const round = async (): Promise<void> => {
    let left = calls;
    await Promise.all(Array.from({ length: outstanding }, async () => {
      while (left-- > 0) await client.once({ text: "x" });
    }));
  };
  try {
    await round(); // the first one meets cold code
    const cpu = process.cpuUsage();
    const fromMs = clock.nowMs();
    await round();
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond: (calls / (clock.nowMs() - fromMs)) * 1000, cpuMs: (user + system) / 1000 / calls };
  } finally {
    channel.close();
    await server.close();
  }
}

function fsyncs(): BareLoops["fsync"] {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-bench-"));
  const file = openSync(join(directory, "file"), "w");
  const page = Buffer.alloc(4096, 1);
  try {
    const fromMs = clock.nowMs();
    for (let index = 0; index < syncs; index++) {
      writeSync(file, page);
      fdatasyncSync(file);
    }
    return { perSecond: (syncs / (clock.nowMs() - fromMs)) * 1000 };
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true, force: true });
  }
}
