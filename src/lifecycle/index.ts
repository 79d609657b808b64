/*
 * The controllers of a Supervisor that stand between the pod's object and its VM: the vSphere Pod Lifecycle Controller, the
 * image controller with its fetchers, and the network's controller (NCP, of which this is a stand-in). The lifecycle controller
 * does step 11 of the article (it sees the VM id by watch and has the Spherelet configure the pod), powers off the VM of a pod that
 * has ended and, on the way back, does D4 and D6: the VM is destroyed, then the finalizer goes. The other two prepare what step 10 waits for; none of them keeps state of its
 * own, so the room can be killed at any moment.
 */
import { Ipv4Range, MacRange } from "../base/address-range.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { EventRecorder } from "../kubernetes/event-recorder.js";
import { Informers } from "../kubernetes/informers.js";
import { objectKey } from "../kubernetes/object-meta.js";
import { PodSteps, type StepSink } from "../kubernetes/pod-steps.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { imageDisks as diskType, images as imageType, nodes as nodeType, pods as podType } from "../kubernetes/resource-type.js";
import { openChannel } from "../rpc/channel.js";
import { followTasks } from "../rpc/followed-tasks.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { spherelets, vcenterVms } from "./client.js";
import { FinishedVms } from "./finished-vms.js";
import { ImageController } from "./image-controller.js";
import { type ImageDurations, ImageFetcher } from "./image-fetcher.js";
import { NodeGone } from "./node-gone.js";
import { OrphanSweep } from "./orphan-sweep.js";
import { PodConfigurator } from "./pod-configurator.js";
import { PodNetwork } from "./pod-network.js";
import type { ImageError } from "./resolve-error.js";
import { VmReaper } from "./vm-reaper.js";

/** Milliseconds of emulated time that this room's part of the world takes. */
export interface LifecycleDurations extends ImageDurations {
  /** From a stored pod to its realized port. */
  readonly networkRealizeMs: number;
}

export interface LifecycleOptions {
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /** vCenter, `host:port`. */
  readonly vcenterAddress: string;
  /** The Spherelets of all hosts, `host:port`; a call's `:authority` is the node's name. */
  readonly sphereletAddress: string;
  /** Mutual TLS of the gRPC peers. */
  readonly tls?: TlsMaterial | undefined;
  /** Shared with the other rooms of the process, which end together; of this room alone when absent. */
  readonly informers?: Informers;
  readonly log: Logger;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly recorder?: StepSink;
  readonly profile: { readonly durations: LifecycleDurations };
  /** Range of the pods' addresses; `10.244.0.0/16` when absent. */
  readonly podCidr?: string;
  /** The first and the last of their MACs; `04:50:56:00:00:00-04:50:56:ff:ff:ff` when absent. */
  readonly podMacs?: string;
  /** Images that cannot be had; none when absent. */
  readonly imageErrors?: readonly ImageError[];
  /** Between two orphan sweeps; 10,000 when absent. */
  readonly sweepPeriodMs?: number;
}

/** The running controllers. They listen nowhere. */
export interface Lifecycle {
  /** Resolves when the first lists are in and work has begun. */
  readonly ready: Promise<void>;
  /** One orphan sweep now; answers how many VMs it had destroyed. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

const DEFAULT_POD_CIDR = "10.244.0.0/16";
/** Under NSX' prefix. */
const DEFAULT_POD_MACS = "04:50:56:00:00:00-04:50:56:ff:ff:ff";

/** Starts the controllers; they wait for their peers themselves. */
export function startLifecycle(options: LifecycleOptions): Promise<Lifecycle> {
  const { log, clock, monotonic, dice, profile } = options;
  const client = new RestClient({ ...options.apiserver, userAgent: "lifecycle-controller/spheresim", clock: monotonic, dice: dice.fork("apiserver") });
  const informers = options.informers ?? new Informers({ client, clock: monotonic, dice: dice.fork("informers"), log });
  const pods = informers.of(podType);
  const images = informers.of(imageType);
  const disks = informers.of(diskType);
  const nodes = informers.of(nodeType);
  pods.store.addIndex("uid", (pod) => [pod.metadata.uid]);

  const tls = options.tls === undefined ? {} : { tls: options.tls };
  const vcenter = openChannel({ address: options.vcenterAddress, ...tls });
  const spherelet = openChannel({ address: options.sphereletAddress, ...tls });
  const vms = vcenterVms(vcenter);
  const steps = new PodSteps(options.recorder, "lifecycle", clock);
  const events = (component: string): EventRecorder => new EventRecorder({ client, component, clock, monotonic, dice: dice.fork(component), log, burst: steps.burst });
  const recorders = { lifecycle: events("lifecycle-controller"), image: events("image-controller"), network: events("nsx-container-ncp") };

  const configurator = new PodConfigurator({ pods: pods.store, spherelets: spherelets(spherelet, dice.fork("spans")), events: recorders.lifecycle, steps, clock, monotonic, log });
  const reaper = new VmReaper({ client, pods: pods.store, nodes: nodes.store, vms, steps, clock, monotonic, log });
  const finished = new FinishedVms({ pods: pods.store, vms, clock, monotonic, log });
  const imageController = new ImageController({ client, pods: pods.store, images: images.store, events: recorders.image, monotonic, log });
  const fetcher = new ImageFetcher({ client, images: images.store, disks: disks.store, nodes: nodes.store, events: recorders.image, durations: profile.durations, imageErrors: options.imageErrors ?? [], clock, monotonic, log });
  const network = new PodNetwork({
    client,
    pods: pods.store,
    events: recorders.network,
    addresses: new Ipv4Range(options.podCidr ?? DEFAULT_POD_CIDR),
    macs: new MacRange(options.podMacs ?? DEFAULT_POD_MACS),
    realizeMs: profile.durations.networkRealizeMs,
    clock,
    monotonic,
    dice: dice.fork("network"),
    log,
  });
  const sweep = new OrphanSweep({
    client,
    podByUid: (uid) => pods.store.byIndex("uid", uid)[0],
    vms,
    clock,
    monotonic,
    log,
    ...(options.sweepPeriodMs === undefined ? {} : { periodMs: options.sweepPeriodMs }),
  });
  const nodeGone = new NodeGone({ client, pods, nodes, clock, monotonic, log });

  const onPod = (pod: Parameters<PodConfigurator["forget"]>[0]): void => {
    const key = objectKey(pod);
    for (const controller of [network, imageController, configurator, reaper, finished]) controller.consider(key, pod);
  };
  pods.subscribe({
    added: onPod,
    updated: onPod,
    deleted: (pod) => {
      for (const controller of [network, imageController, configurator, reaper, finished]) controller.forget(pod);
    },
  });
  const onImage = (image: Parameters<ImageFetcher["imageChanged"]>[0]): void => {
    fetcher.imageChanged(image);
    imageController.imageChanged(image);
  };
  const onImageGone: typeof onImage = (image) => {
    fetcher.imageGone(image);
    imageController.imageGone(image);
  };
  const onDisk = (disk: Parameters<ImageFetcher["diskChanged"]>[0]): void => fetcher.diskChanged(disk);
  disks.subscribe({ added: onDisk, updated: onDisk, deleted: onDisk });
  images.subscribe({ added: onImage, updated: onImage, deleted: onImageGone });

  const tasks = followTasks(vcenter, reaper, { clock: monotonic, dice: dice.fork("tasks"), log });
  let closing = false;
  const ready = informers.start().then(() => {
    if (closing || informers.closed) return;
    for (const controller of [network, fetcher, imageController, configurator, reaper, finished, sweep, nodeGone]) controller.start();
  });

  const close = async (): Promise<void> => {
    closing = true;
    await Promise.all([tasks.close(), sweep.close(), nodeGone.close(), informers.close()]);
    // Calls under way to peers that are gone would hold the end up: the channels go first.
    vcenter.close();
    spherelet.close();
    await Promise.all([client.close(), ...[network, fetcher, imageController, configurator, reaper, finished].map((controller) => controller.close())]);
    await Promise.all(Object.values(recorders).map((recorder) => recorder.close()));
  };
  return Promise.resolve({ ready, sweep: () => sweep.sweep(), close });
}
