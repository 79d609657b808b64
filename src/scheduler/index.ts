/*
 * The scheduler of a Supervisor: kube-scheduler with the Pacific scheduler extension beside it. `kube/` filters the nodes into the
 * curated list and posts the binding (steps 3 and 6 of the article); `extension/` takes that list to DRS, brings the recommendation
 * back, has vCenter make the VM and stores its id on the pod (steps 4, 5, 7, 9 and 10). Both keep nothing that the API server and
 * vCenter could not tell again, so the room can be killed at any moment; a real kube-scheduler can take the place of the first and
 * call the second as an HTTP extender.
 */
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { EventRecorder } from "../kubernetes/event-recorder.js";
import { Informers } from "../kubernetes/informers.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { PodSteps, type StepSink } from "../kubernetes/pod-steps.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { parseAddress, requireLoopbackOrTls } from "../rpc/address.js";
import { type RpcServer, startRpcServer } from "../rpc/server.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { AttemptRecorder } from "./attempt-recorder.js";
import { Explanations } from "./explanations.js";
import type { Decider } from "./extension/drs-extension.js";
import type { ExtenderVerbs } from "./extension/extender-verbs.js";
import { type ExtenderServer, startExtenderServer } from "./extension/http-server.js";
import { openExtension } from "./extension/index.js";
import { KubeScheduler } from "./kube/kube-scheduler.js";
import { explainService } from "./service.js";

export interface SchedulerOptions {
  /** gRPC (explain), `host:port`; a free loopback port when absent. */
  readonly listen?: string;
  /** The HTTP extender, `host:port`, loopback only; not served when absent. */
  readonly extenderListen?: string;
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /** vCenter, `host:port`. */
  readonly vcenterAddress: string;
  /** Mutual TLS of gRPC, served and called. */
  readonly tls?: TlsMaterial | undefined;
  readonly log: Logger;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  /** Shared with the other rooms of the process, which end together; of this room alone when absent. */
  readonly informers?: Informers;
  readonly recorder?: StepSink | undefined;
  /** Who picks among the nodes Kubernetes leaves: DRS when absent. With `kubernetes` DRS is not asked, as in the article's comparison. */
  readonly decider?: Decider;
  /** Whether the built-in kube-scheduler runs; false leaves scheduling to a real one that calls the extender. True when absent. */
  readonly schedules?: boolean;
}

/** The running scheduler. */
export interface Scheduler {
  /** gRPC, `host:port`. */
  readonly address: string;
  /** The HTTP extender, `host:port`. */
  readonly extenderAddress: string | undefined;
  /** Resolves when nodes and pods are known and scheduling runs. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Starts the scheduler; returns when its ports listen and waits for its peers by itself. */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { log, clock, monotonic, dice, tls } = options;
  const client = new RestClient({ ...options.apiserver, userAgent: "kube-scheduler/spheresim", clock: monotonic, dice: dice.fork("apiserver") });
  const informers = options.informers ?? new Informers({ client, clock: monotonic, dice: dice.fork("informers"), log });
  const explanations = new Explanations();
  const steps = new PodSteps(options.recorder, "scheduler", clock);
  const events = new EventRecorder({ client, component: "scheduler-extender", clock, monotonic, dice: dice.fork("extension-events"), log, burst: steps.burst });
  const extension = openExtension({
    client,
    pods: informers.of(podType),
    vcenterAddress: options.vcenterAddress,
    tls,
    events,
    explanations,
    steps,
    clock,
    monotonic,
    dice: dice.fork("extension"),
    log,
    ...(options.decider === undefined ? {} : { decider: options.decider }),
  });
  const kube =
    options.schedules === false
      ? undefined
      : new KubeScheduler({ client, informers, extender: extension.extender, clock: monotonic, worldClock: clock, dice: dice.fork("kube"), log, burst: steps.burst, observer: new AttemptRecorder({ steps, explanations, decider: options.decider ?? "drs" }) });

  const opened: { close(): Promise<void> }[] = [client, events, extension];
  const { server, extender } = await listen(options, explanations, extension.verbs).catch(async (error: unknown) => {
    for (const each of opened.toReversed()) await each.close();
    throw error;
  });

  let closing = false;
  const ready = (async (): Promise<void> => {
    await (kube === undefined ? informers.start() : kube.start());
    if (!closing && !informers.closed) extension.start();
  })();
  return {
    address: server.address,
    extenderAddress: extender?.address,
    ready,
    async close() {
      closing = true;
      await Promise.all([server.close(), extender?.close()]);
      await informers.close();
      await ready;
      await kube?.close();
      for (const each of opened.toReversed()) await each.close();
    },
  };
}

/** Opens both ports, or neither. */
async function listen(
  { listen: address = "127.0.0.1:0", extenderListen, log, tls }: SchedulerOptions,
  explanations: Explanations,
  verbs: ExtenderVerbs,
): Promise<{ readonly server: RpcServer; readonly extender: ExtenderServer | undefined }> {
  const server = await startRpcServer({ listen: address, room: "scheduler", log, services: [explainService(explanations)], tls });
  if (extenderListen === undefined) return { server, extender: undefined };
  try {
    const wanted = parseAddress(extenderListen);
    // Plain HTTP, whatever gRPC has: kube-scheduler's extenders are configured with a URL.
    requireLoopbackOrTls(wanted, false);
    return { server, extender: await startExtenderServer({ ...wanted, verbs, log }) };
  } catch (error) {
    await server.close();
    throw error;
  }
}
