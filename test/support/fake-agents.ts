import type { Clock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { toTimestamp } from "../../src/base/timestamp.js";
import { type ContainerSpec, ContainerStatus, PodContainers, PodContainersUpdate, type PodEvent, type StartPodRequest, type StopPodRequest, Terminated } from "../../src/gen/spheresim/crx/v1/agent.js";
import { AgentServiceService } from "../../src/gen/spheresim/crx/v1/agent_service.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import type { Call } from "../../src/rpc/server.js";
import { serve, startRpcServer, type StreamWriter } from "../../src/rpc/server.js";

/** Spherelet agents as a Spherelet meets them: containers run at once and end with 0 when stopped. */
export interface FakeAgents {
  readonly address: string;
  readonly started: StartPodRequest[];
  readonly stopped: StopPodRequest[];
  /** Called before each unary call; may throw, or hold it up. */
  intercept: ((method: string, vmUuid: string) => void | Promise<void>) | undefined;
  /** Watches that are open. */
  readonly streams: number;
  /** What a watch is told is this instead, in this order. */
  rewrite: ((vmUuid: string, pod: PodContainers) => readonly PodContainers[]) | undefined;
  /** What startPod answers is this instead. */
  answer: ((vmUuid: string, pod: PodContainers) => PodContainers | Promise<PodContainers>) | undefined;
  /** Ends every watch that is open. */
  breakStreams(): void;
  /** Tells what is there again. */
  repeat(vmUuid: string): void;
  /** A VM has its personality: its agent answers. */
  boot(vmUuid: string): void;
  /** The instance is gone. */
  kill(vmUuid: string): void;
  /** Changes the first container of an instance. */
  change(vmUuid: string, change: (status: ContainerStatus) => ContainerStatus): void;
  close(): Promise<void>;
}

const vmUuidOf = (call: Call): string => call.authority.split(".")[0] ?? "";

/** What an agent says of a container that has another id than before, or has ended. */
function eventsOf(before: ContainerStatus | undefined, now: ContainerStatus): Omit<PodEvent, "number">[] {
  const event = (reason: string, message: string): Omit<PodEvent, "number"> => ({ container: now.name, warning: false, reason, message });
  if (now.containerId !== before?.containerId) return [event("Created", `Created container ${now.name}`), event("Started", `Started container ${now.name}`)];
  return before.state?.$case === "running" && now.state?.$case === "terminated" ? [event("Killing", `Stopping container ${now.name}`)] : [];
}

/** @param listen to come back at the address of one that was closed. */
export async function startFakeAgents(clock: Clock, listen = "127.0.0.1:0"): Promise<FakeAgents> {
  const instances = new Map<string, PodContainers>();
  const streams = new Set<StreamWriter<PodContainersUpdate>>();
  const ends = new Set<() => void>();
  const dice = new Dice("fake-agents");
  let revision = 0n;
  const tell = (vmUuid: string, pod: PodContainers | undefined): void => {
    const states = pod === undefined ? [undefined] : (fake.rewrite?.(vmUuid, pod) ?? [pod]);
    for (const state of states) {
      for (const stream of streams) stream.write(PodContainersUpdate.create({ kind: state === undefined ? UpdateKind.LEAVE : UpdateKind.MODIFY, vmUuid, pod: state })).catch(() => undefined);
    }
  };
  const put = (vmUuid: string, pod: PodContainers): PodContainers => {
    revision += 1n;
    const before = new Map([...(instances.get(vmUuid)?.initContainers ?? []), ...(instances.get(vmUuid)?.containers ?? [])].map((status) => [status.name, status]));
    const news = [...pod.initContainers, ...pod.containers].flatMap((status) => eventsOf(before.get(status.name), status));
    let number = pod.events.at(-1)?.number ?? 0n;
    const next = { ...pod, revision, events: [...pod.events, ...news.map((event) => ({ ...event, number: (number += 1n) }))] };
    instances.set(vmUuid, next);
    tell(vmUuid, next);
    return next;
  };
  const find = (call: Call): { readonly vmUuid: string; readonly pod: PodContainers } => {
    const vmUuid = vmUuidOf(call);
    const pod = instances.get(vmUuid);
    if (pod === undefined) throw new RpcError(RpcCode.UNAVAILABLE, `no agent for ${vmUuid}`);
    return { vmUuid, pod };
  };
  const running = (name: string, image: string, restartCount: number): ContainerStatus =>
    ContainerStatus.create({ name, image, containerId: dice.uuid(), restartCount, ready: true, started: true, state: { $case: "running", value: { startedAt: toTimestamp(clock.nowMs()) } } });
  const finished = (status: ContainerStatus): ContainerStatus => {
    if (status.state?.$case !== "running") return status;
    const value = Terminated.create({ exitCode: 0, reason: "Completed", startedAt: status.state.value.startedAt, finishedAt: toTimestamp(clock.nowMs()), containerId: status.containerId });
    return { ...status, ready: false, state: { $case: "terminated", value } };
  };
  const server = await startRpcServer({
    listen,
    room: "fake-crx",
    log: silentLogger,
    closeLimitMs: 100,
    services: [
      serve(AgentServiceService, {
        startPod: async (request, call) => {
          await fake.intercept?.("startPod", vmUuidOf(call));
          const { vmUuid, pod } = find(call);
          const told = (state: PodContainers): PodContainers | Promise<PodContainers> => fake.answer?.(vmUuid, state) ?? state;
          const counts = request.restartCounts;
          const fresh = (spec: ContainerSpec): ContainerStatus => (spec.held === undefined ? running(spec.name, spec.image, counts[spec.name] ?? 0) : ContainerStatus.create({ name: spec.name, image: spec.image, held: true, state: { $case: "waiting", value: spec.held } }));
          const released = request.containers.filter(({ name, held }) => held === undefined && pod.containers.some((status) => status.name === name && status.held));
          if (pod.podUid !== "" && released.length === 0) return told(pod);
          if (request.containers.some(({ held }) => held === undefined)) fake.started.push(request);
          if (pod.podUid !== "") return told(put(vmUuid, { ...pod, containers: pod.containers.map((status) => released.filter(({ name }) => name === status.name).map(fresh)[0] ?? status) }));
          return told(put(vmUuid, {
            ...pod,
            podUid: request.podUid,
            networkReady: true,
            initContainers: request.initContainers.map((spec) => finished(running(spec.name, spec.image, counts[spec.name] ?? 0))),
            containers: request.containers.map(fresh),
          }));
        },
        stopPod: async (request, call) => {
          fake.stopped.push(request);
          await fake.intercept?.("stopPod", vmUuidOf(call));
          const { vmUuid, pod } = find(call);
          return put(vmUuid, { ...pod, containers: pod.containers.map(finished) });
        },
        getPod: async (_request, call) => {
          await fake.intercept?.("getPod", vmUuidOf(call));
          return find(call).pod;
        },
        watchPods: async (_request, stream, call) => {
          for (const [vmUuid, pod] of instances) await stream.write(PodContainersUpdate.create({ kind: UpdateKind.ENTER, vmUuid, pod }));
          await stream.write(PodContainersUpdate.create({ kind: UpdateKind.SYNCED }));
          streams.add(stream);
          await new Promise<void>((resolve) => {
            call.signal.addEventListener("abort", () => resolve(), { once: true });
            ends.add(resolve);
          });
          streams.delete(stream);
        },
      }),
    ],
  });
  const fake: FakeAgents = {
    address: server.address,
    started: [],
    stopped: [],
    intercept: undefined,
    rewrite: undefined,
    answer: undefined,
    get streams() {
      return streams.size;
    },
    breakStreams: () => {
      for (const end of ends) end();
      ends.clear();
    },
    repeat: (vmUuid) => tell(vmUuid, instances.get(vmUuid)),
    boot: (vmUuid) => void instances.set(vmUuid, PodContainers.create({})),
    kill: (vmUuid) => {
      instances.delete(vmUuid);
      tell(vmUuid, undefined);
    },
    change: (vmUuid, change) => {
      const pod = instances.get(vmUuid);
      if (pod === undefined) throw new Error(`no instance ${vmUuid}`);
      put(vmUuid, { ...pod, containers: pod.containers.map((status, index) => (index === 0 ? change(status) : status)) });
    },
    close: () => server.close(),
  };
  return fake;
}
