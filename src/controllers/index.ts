/*
 * kube-controller-manager and the Workload Control Plane's controllers: the loops that turn what is wished for in the API server into
 * further objects there. A Deployment becomes ReplicaSets and these become pods (whose `POST` is step 1), owners take their dependents
 * with them, silent nodes are tainted, quotas are counted, and each namespace becomes a resource
 * pool of vCenter whose limits are those of its quotas. All state is in the API server and
 * vCenter, so the room can be killed and started at any moment.
 */
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { Informers } from "../kubernetes/informers.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { openChannel } from "../rpc/channel.js";
import type { StepRecorder } from "../rpc/step-recorder.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { poolDirectory } from "./client.js";
import type { Controller, ControllerContext } from "./controller.js";
import { DeploymentController } from "./deployment-controller.js";
import { GarbageCollector } from "./garbage-collector.js";
import { NamespaceController } from "./namespace-controller.js";
import { NodeLifecycleController } from "./node-lifecycle-controller.js";
import { QuotaMirror } from "./quota-mirror.js";
import { ReplicaSetController } from "./replica-set-controller.js";
import { ResourcePoolController } from "./resource-pool-controller.js";
import { ResourceQuotaController } from "./resource-quota-controller.js";
import { TaintEvictionController } from "./taint-eviction-controller.js";

export interface ControllersOptions {
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /** vCenter, `host:port`; absent: namespaces get no resource pools. */
  readonly vcenterAddress?: string;
  /** A node that has not renewed its Lease for so long is not Ready any more, milliseconds; 40,000 when absent. */
  readonly nodeMonitorGraceMs?: number;
  /** Shared with the other rooms of the process, which end together; of this room alone when absent. */
  readonly informers?: Informers;
  /** Says whether many pods are on their way, when events stand back; each controller looks to its own when absent. */
  readonly recorder?: Pick<StepRecorder, "burst"> | undefined;
  /** Mutual TLS towards vCenter. */
  readonly tls?: TlsMaterial | undefined;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

/** The running controllers. They serve nothing, so there is no address. */
export interface Controllers {
  close(): Promise<void>;
}

/**
 * Starts all controllers. Returns before the API server answers: each begins once its informers have their first list, which
 * is tried again for as long as it takes.
 */
export async function startControllers(options: ControllersOptions): Promise<Controllers> {
  const { clock, monotonic, dice, log, apiserver } = options;
  const client = new RestClient({ ...apiserver, userAgent: "kube-controller-manager", clock: monotonic, dice: dice.fork("apiserver") });
  const informers = options.informers ?? new Informers({ client, clock: monotonic, dice: dice.fork("informers"), log });
  const context: ControllerContext = { client, informers, clock, monotonic, dice, log, burst: options.recorder?.burst };
  const vcenter = options.vcenterAddress === undefined ? undefined : openChannel({ address: options.vcenterAddress, tls: options.tls });
  const ca = apiserver.tls?.ca;
  const controllers: Controller[] = [
    new DeploymentController(context),
    new ReplicaSetController(context),
    new GarbageCollector(context),
    new NodeLifecycleController(context, options.nodeMonitorGraceMs),
    new TaintEvictionController(context),
    new ResourceQuotaController(context),
    new NamespaceController(context, { clusterCaPem: ca === undefined ? "" : ca.toString() }),
    ...(vcenter === undefined ? [] : [new ResourcePoolController(context, poolDirectory(vcenter)), new QuotaMirror(context, poolDirectory(vcenter))]),
  ];
  let isClosed = false;
  const started = informers.start().then(() => {
    if (!isClosed && !informers.closed) for (const controller of controllers) controller.start();
  });
  return Promise.resolve({
    close: async () => {
      isClosed = true;
      await informers.close();
      await started;
      await Promise.all(controllers.map((controller) => controller.close()));
      await client.close();
      vcenter?.close();
    },
  });
}
