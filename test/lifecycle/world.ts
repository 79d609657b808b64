import { after } from "node:test";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
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

/** The room with all its peers behind real sockets, on a clock of its own; taken down after the test. */
export async function lifecycleWorld(options: { readonly podCidr?: string; readonly durations?: Partial<LifecycleDurations> } = {}) {
  const { podCidr, durations } = options;
  const clock = new ManualClock(1_800_000_000_000);
  const cluster = new FakeCluster(clock);
  await cluster.create(nodeType, { metadata: { name: HOST } });
  const apiserver = await startFakeApiServer(cluster);
  const vcenter = await new FakeVcenter([HOST]).start();
  const spherelet = await startFakeSpherelet();
  let lifecycle: Lifecycle | undefined;
  let lives = 0;
  const start = async (): Promise<void> => {
    await lifecycle?.close();
    lifecycle = await startLifecycle({
      apiserver: { server: apiserver.url },
      vcenterAddress: vcenter.address,
      sphereletAddress: spherelet.address,
      log: silentLogger,
      clock,
      monotonic: monotonicClock(),
      dice: new Dice((lives += 1)),
      profile: { durations: { ...NO_TIME, ...durations } },
      ...(podCidr === undefined ? {} : { podCidr }),
    });
    await lifecycle.ready;
  };
  after(async () => {
    await lifecycle?.close();
    await Promise.all([apiserver.close(), vcenter.close(), spherelet.close()]);
  });
  await start();
  return {
    clock,
    cluster,
    /** A new process of the room. */
    restart: start,
    create: (name: string, options: { readonly annotations?: Record<string, string>; readonly image?: string; readonly namespace?: string } = {}): Promise<Pod> =>
      cluster.create(podType, { metadata: { namespace: options.namespace ?? "default", name, annotations: options.annotations ?? {} }, spec: { containers: [{ name: "web", image: options.image ?? "nginx:1.27" }] } }),
    annotate: (name: string, annotations: Readonly<Record<string, string | null>>): Promise<Pod> => cluster.patch(podType, { namespace: "default", name }, { type: "merge", body: { metadata: { annotations } } }),
    pod: (name: string): Pod | undefined => cluster.peek(podType, { namespace: "default", name }),
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
