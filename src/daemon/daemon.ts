import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monotonicClock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { readyFileName, type ReadyLine } from "../base/ready-line.js";
import { UserError } from "../base/user-error.js";
import { version } from "../base/version.js";
import { pinoLogger } from "../rpc/log.js";
import { quietPorts, requireFreePorts } from "../rpc/port.js";
import { chooseAddresses, listenersOf, type Addresses } from "./addresses.js";
import { endpointsOf } from "./endpoints.js";
import { type DataDirectory, takeDataDirectory } from "./data-directory.js";
import { readImageProfiles } from "./image-profiles.js";
import { defaultInventory, readInventory } from "./inventory.js";
import { populate } from "./population.js";
import { type UpOptions } from "./options.js";
import type { PlanePlan } from "./plane-plan.js";
import { PlaneProcess } from "./plane-process.js";
import { type Plane, planesOf } from "./planes.js";
import { requireEtcd } from "./real-etcd.js";
import { startRooms } from "./running-rooms.js";

/** A running emulator. */
export interface Daemon {
  readonly ready: ReadyLine;
  /** Process of each plane, by name; empty when all rooms run in this process. */
  readonly pids: () => Readonly<Record<string, number | undefined>>;
  /** Stops every process and lets the data directory go. */
  close(): Promise<void>;
}

interface Running {
  readonly name: string;
  readonly pid: number | undefined;
  /** Place among the processes: the first is called by all others. */
  readonly order: number;
  /** Hands on what is held for the journal and the API server. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts an emulator and waits until a pod could be placed: every host is connected and its Node is Ready. Rejects when `stop` is aborted
 * before that, with everything stopped again.
 */
export async function startDaemon(options: UpOptions, stop?: AbortSignal): Promise<Daemon> {
  const inventory = options.inventory === undefined ? defaultInventory(options.hosts) : readInventory(options.inventory);
  const images = readImageProfiles(options.imageProfiles);
  const directory = await takeDataDirectory(options.dataDir, options.name);
  const running: Running[] = [];
  const readyFile = join(directory.path, readyFileName);
  let closed: Promise<void> | undefined;
  const closing = new AbortController();
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      closing.abort();
      rmSync(readyFile, { force: true });
      await Promise.all(running.map((each) => each.flush()));
      // Callers before those they call, so that nobody complains of a peer that is only on its way out too.
      for (const each of [...running].sort((a, b) => b.order - a.order)) await each.close();
      await directory.release();
    })());
  const start = async (): Promise<Daemon> => {
    const planes = planesOf(options);
    if (planes.length === 0) throw new UserError("usage", "no room is left to run", "leave out fewer with --without");
    const addresses = await chooseAddresses(options, quietPorts);
    await requireOwnPorts(options, inventory, addresses);
    await requireEtcd(options.etcdEndpoints);
    stop?.throwIfAborted();
    const log = pinoLogger({ level: options.logLevel, fields: { plane: "daemon" } });
    const starts = planes.map((plane, order) => starterOf(plane, order, options, running, log));
    // Loaded only now: it is the largest part of what this process loads, and the others need not wait for it.
    const { makeCredentials } = await import("./credential-maker.js");
    await makeCredentials(directory.path, inventory, options, addresses.apiserver);
    stop?.throwIfAborted();
    const plans = planes.map((plane) => planOf(plane, options, { inventory, ...images }, addresses, directory));
    const processes = starts.map((each, order) => each(plans[order] as PlanePlan));
    // The inventory is filled as soon as vCenter and the hosts are there: those that look for a cluster find one when they start.
    const called = processes.filter((_, order) => plans[order]?.rooms.some((room) => room === "vcenter" || room === "hostd"));
    const filled = Promise.all(called).then(() => populate(plans, log, closing.signal));
    const [hosts] = await Promise.all([filled, ...processes]);
    const ready = readyLine(options, plans[0] as PlanePlan, hosts);
    stop?.throwIfAborted();
    writeFileSync(readyFile, `${JSON.stringify(ready)}\n`, { mode: 0o600 });
    return { ready, close, pids: () => Object.fromEntries(running.map((each) => [each.name, each.pid])) };
  };
  const starting = start();
  try {
    return await (stop === undefined ? starting : Promise.race([starting, aborted(stop)]));
  } catch (error) {
    await close();
    // What it was in the middle of must not write into a directory that is given up.
    await starting.catch(() => undefined);
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

/** What starts a process of the plan, or its rooms in this one; `running` has it from the first moment, so that it can be stopped at any. */
function starterOf(plane: Plane, order: number, options: UpOptions, running: Running[], log: Logger): (plan: PlanePlan) => Promise<void> {
  if (options.processes === "one") {
    return async (plan) => {
      const rooms = startRooms(plan, log);
      running.push({ name: plane.name, pid: process.pid, order, flush: async () => (await rooms.catch(() => undefined))?.flush(), close: async () => (await rooms.catch(() => undefined))?.close() });
      await rooms;
    };
  }
  // The process loads its code while certificates are made here.
  const child = new PlaneProcess(plane, monotonicClock(), log);
  running.push({ name: child.name, get pid() { return child.pid; }, order, flush: () => child.flush(), close: () => child.stop() });
  return (plan) => child.start(plan);
}

function planOf(plane: Plane, options: UpOptions, files: Pick<PlanePlan, "inventory" | "imageProfiles" | "imageErrors">, addresses: Addresses, directory: DataDirectory): PlanePlan {
  return {
    ...plane,
    options,
    addresses,
    etcdEndpoints: options.etcdEndpoints.length > 0 ? options.etcdEndpoints : [addresses.etcd],
    ...files,
    startCount: directory.startCount,
    restarts: 0,
  };
}

/** Says at once which port is taken, and by whom, instead of letting one room of many fail. */
async function requireOwnPorts(options: UpOptions, inventory: PlanePlan["inventory"], addresses: Addresses): Promise<void> {
  const ports = new Map<string, number>();
  const rooms = planesOf(options).flatMap((plane) => plane.rooms);
  const { kubeletPortBase } = addresses;
  for (const room of rooms) {
    for (const listener of listenersOf(room)) ports.set(listener, Number(addresses[listener].split(":").at(-1)));
  }
  if (rooms.includes("spherelet") && kubeletPortBase !== undefined) inventory.hosts.forEach(({ name }, index) => ports.set(`kubelet of ${name}`, kubeletPortBase + index));
  try {
    await requireFreePorts(ports);
  } catch (error) {
    throw new UserError("cannot-start", (error as Error).message);
  }
}

function readyLine(options: UpOptions, plan: PlanePlan, hosts: ReadyLine["hosts"]): ReadyLine {
  return {
    ready: true,
    version,
    pid: process.pid,
    name: options.name,
    seed: options.seed,
    profile: options.profile,
    dataDir: options.dataDir,
    kubeconfig: join(options.dataDir, "kubeconfig"),
    hosts,
    endpoints: endpointsOf(plan),
  };
}
