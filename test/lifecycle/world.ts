import { after } from "node:test";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import type { Event, Image } from "../../src/kubernetes/cluster-objects.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { events as eventType, imageDisks as diskType, images as imageType, nodes as nodeType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { type Lifecycle, type LifecycleDurations, startLifecycle } from "../../src/lifecycle/index.js";
import { eventually } from "../support/eventually.js";
import { startFakeApiServer } from "../support/fake-api-server.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { startFakeSpherelet } from "../support/fake-spherelet.js";
import { FakeVcenter } from "../support/fake-vcenter.js";

export const HOST = "esxi-01.spheresim.test";
const NO_TIME = { imageResolveMs: 0, imageFetchMs: 0, networkRealizeMs: 0 };

export interface LifecycleWorldOptions {
  readonly sphereletAddress?: string;
  readonly podCidr?: string;
  readonly durations?: Partial<LifecycleDurations>;
}

/** The room's peers behind real sockets, on a clock of their own, for a room that is started when the test says so; taken down after it. */
export async function lifecyclePeers({ sphereletAddress, podCidr, durations }: LifecycleWorldOptions = {}) {
  const clock = new ManualClock(1_800_000_000_000);
  const cluster = new FakeCluster(clock);
  await cluster.create(nodeType, { metadata: { name: HOST } });
  const apiserver = await startFakeApiServer(cluster);
  const vcenter = await new FakeVcenter([HOST]).start();
  const spherelet = await startFakeSpherelet();
  const records: StepRecord[] = [];
  let lifecycle: Lifecycle | undefined;
  let lives = 0;
  const start = async (): Promise<Lifecycle> => {
    await lifecycle?.close();
    lifecycle = await startLifecycle({
      apiserver: { server: apiserver.url },
      vcenterAddress: vcenter.address,
      sphereletAddress: sphereletAddress ?? spherelet.address,
      log: silentLogger,
      clock,
      monotonic: monotonicClock(),
      dice: new Dice((lives += 1)),
      recorder: { record: (step) => void records.push(step) },
      profile: { durations: { ...NO_TIME, ...durations } },
      ...(podCidr === undefined ? {} : { podCidr }),
    });
    await lifecycle.ready;
    return lifecycle;
  };
  after(async () => {
    await lifecycle?.close();
    await Promise.all([apiserver.close(), vcenter.close(), spherelet.close()]);
  });
  return { clock, cluster, vcenter, spherelet, records, start, stored: (name = "web"): Pod | undefined => cluster.peek(podType, { namespace: "default", name }) };
}

/** The same with the room running, in words of images and networks. */
export async function lifecycleWorld(options: LifecycleWorldOptions = {}) {
  const { clock, cluster, start, stored: pod } = await lifecyclePeers(options);
  await start();
  return {
    clock,
    cluster,
    /** A new process of the room. */
    restart: start,
    create: (name: string, options: { readonly annotations?: Record<string, string>; readonly image?: string; readonly namespace?: string } = {}): Promise<Pod> =>
      cluster.create(podType, { metadata: { namespace: options.namespace ?? "default", name, annotations: options.annotations ?? {} }, spec: { containers: [{ name: "web", image: options.image ?? "nginx:1.27" }] } }),
    annotate: (name: string, annotations: Readonly<Record<string, string | null>>): Promise<Pod> => cluster.patch(podType, { namespace: "default", name }, { type: "merge", body: { metadata: { annotations } } }),
    pod,
    disks: (): readonly string[] => cluster.peekAll(diskType).map(({ metadata }) => metadata.name),
    images: (): readonly Image[] => cluster.peekAll(imageType),
    /** The first Image that has that phase. */
    becomes: (phase: string, failures?: number): Promise<Image> =>
      eventually(`${phase} ${failures ?? ""}`, () => cluster.peekAll(imageType).find(({ status }) => status?.phase === phase && (failures === undefined || status.failures === failures))),
    /** What was told of an object, in order. */
    told: (name: string): readonly string[] =>
      cluster.peekAll(eventType).filter((event: Event) => event.involvedObject.name === name).map(({ type, reason, message, source }) => `${type} ${reason} ${source?.component}: ${message}`),
  };
}
