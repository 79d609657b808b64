/*
 * kube-controller-manager and the WCP service's controllers: what turns a wish into objects. A Deployment makes a ReplicaSet makes the pods
 * that begin step 1 of the article; a namespace becomes a resource pool; what belongs to nobody is deleted. All are ordinary Kubernetes
 * clients without state of their own.
 */
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { EventRecorder } from "../kubernetes/event-recorder.js";
import { Informers } from "../kubernetes/informers.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { openChannel } from "../rpc/channel.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { namespacePools } from "./client.js";
import { DeploymentController } from "./deployment-controller.js";
import { GarbageCollector } from "./garbage-collector.js";
import { NamespaceController } from "./namespace-controller.js";
import { NodeLifecycleController } from "./node-lifecycle-controller.js";
import { ReplicaSetController } from "./replica-set-controller.js";
import type { Surroundings } from "./surroundings.js";

export interface ControllersOptions {
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /** Certificate of the API server's authority, PEM: content of `kube-root-ca.crt`. */
  readonly rootCa: string;
  /** vCenter, `host:port`. */
  readonly vcenterAddress: string;
  /** Mutual TLS of the gRPC peers. */
  readonly tls?: TlsMaterial | undefined;
  readonly log: Logger;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
}

/** The running controllers. They listen nowhere. */
export interface Controllers {
  close(): Promise<void>;
}

/** Starts the controllers; they wait for their peers themselves. */
export async function startControllers(options: ControllersOptions): Promise<Controllers> {
  const { clock, monotonic, dice, log } = options;
  const client = new RestClient({ ...options.apiserver, userAgent: "kube-controller-manager/spheresim", clock: monotonic, dice: dice.fork("apiserver") });
  const informers = new Informers({ client, clock: monotonic, dice: dice.fork("informers"), log });
  const channel = openChannel({ address: options.vcenterAddress, tls: options.tls });
  const events = (component: string): EventRecorder => new EventRecorder({ client, component, clock, dice: dice.fork(`events/${component}`), log });
  const around: Surroundings = { client, informers, clock, monotonic, dice: dice.fork("names"), log, events };
  const controllers = [
    new DeploymentController(around),
    new ReplicaSetController(around),
    new NamespaceController(around, { pools: namespacePools(channel), rootCa: options.rootCa }),
    new GarbageCollector(around),
    new NodeLifecycleController(around),
  ];
  let closed = false;
  void informers.start().then(() => {
    if (!closed) for (const controller of controllers) controller.start();
  });
  return {
    close: async () => {
      closed = true;
      await Promise.all(controllers.map((controller) => controller.close()));
      await informers.close();
      await client.close();
      channel.close();
    },
  };
}
