import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { Dice } from "../../base/seeded-random.js";
import type { ApiClient } from "../../kubernetes/api-client.js";
import type { EventRecorder } from "../../kubernetes/event-recorder.js";
import type { Informer } from "../../kubernetes/informer.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import type { Pod } from "../../kubernetes/pod.js";
import { openChannel } from "../../rpc/channel.js";
import { followTasks } from "../../rpc/followed-tasks.js";
import type { TlsMaterial } from "../../rpc/tls.js";
import type { Explanations } from "../explanations.js";
import { CapacityBell } from "./capacity-bell.js";
import { followInventory, vcenterClient } from "./client.js";
import { type Decider, DrsExtension } from "./drs-extension.js";
import { ExtenderVerbs } from "./extender-verbs.js";
import { HostDirectory } from "./host-directory.js";
import { PlacementDesk } from "./placement-desk.js";
import { PodSizer } from "./pod-sizer.js";
import { PodVms } from "./pod-vms.js";
import { VmCommit } from "./vm-commit.js";

export interface ExtensionOptions {
  readonly client: ApiClient;
  /** Shared with kube-scheduler; an index named `uid` is added. */
  readonly pods: Informer<Pod>;
  readonly vcenterAddress: string;
  readonly tls?: TlsMaterial | undefined;
  readonly events: Pick<EventRecorder, "record">;
  readonly explanations: Explanations;
  readonly steps: PodSteps;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Who picks among the nodes on the curated list; `drs` when absent. */
  readonly decider?: Decider;
}

/** The extension, composed; `start` when the informer has synced. */
export interface Extension {
  /** For kube-scheduler in this process. */
  readonly extender: DrsExtension;
  /** For a real kube-scheduler. */
  readonly verbs: ExtenderVerbs;
  start(): void;
  close(): Promise<void>;
}

/** Composes the Pacific scheduler extension: steps 4, 5, 7, 9 and 10. Asks vCenter nothing before it is asked itself. */
export function openExtension(options: ExtensionOptions): Extension {
  const { client, pods, explanations, steps, clock, monotonic, dice, log } = options;
  pods.store.addIndex("uid", (pod) => [pod.metadata.uid]);
  const podByUid = (uid: string): Pod | undefined => pods.store.byIndex("uid", uid)[0];
  const channel = openChannel({ address: options.vcenterAddress, tls: options.tls });
  const vcenter = vcenterClient(channel, dice.fork("spans"));
  const sizer = new PodSizer(vcenter, monotonic);
  const directory = new HostDirectory(vcenter, monotonic);
  const desk = new PlacementDesk({ vcenter, sizer, directory, steps, clock, monotonic, log });
  const commit = new VmCommit({ client, vcenter, events: options.events, steps, clock });
  const vms = new PodVms({ podByUid, vcenter, sizer, directory, desk, commit, steps, clock, monotonic, log });
  const bell = new CapacityBell(monotonic);
  const around = { clock: monotonic, dice: dice.fork("streams"), log };
  const streams = [followTasks(channel, vms, around), followInventory(channel, bell, around)];
  const consider = (pod: Pod): void => vms.consider(pod);
  const unsubscribe = pods.subscribe({ added: consider, updated: consider, deleted: (pod) => vms.forget(pod) });
  return {
    extender: new DrsExtension({ desk, vms, vcenter, explanations, bell, log, ...(options.decider === undefined ? {} : { decider: options.decider }) }),
    verbs: new ExtenderVerbs({ client, desk, vms, explanations, steps, podByUid, clock }),
    start: () => vms.start(),
    async close() {
      unsubscribe();
      bell.close();
      await Promise.all(streams.map((stream) => stream.close()));
      channel.close();
      await vms.close();
    },
  };
}
