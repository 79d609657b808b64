import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import type { Dice } from "../../base/seeded-random.js";
import type { PodSteps } from "../../kubernetes/pod-steps.js";
import type { OwnNode } from "./admission.js";
import type { ConfigSource } from "../spec/config-source.js";
import type { Gate } from "./gate.js";
import type { Host } from "./host.js";
import type { NodeApi } from "./network-cable.js";
import type { NodeRoom } from "./node-room.js";
import type { ImageBook } from "../images/image-book.js";
import type { AddressRange } from "../pods/pod-address.js";
import type { PodEvents } from "../status/pod-events.js";
import type { Agents, HostD } from "../vsphere.js";

/** All that the Spherelet of one host works with. */
export interface HostContext {
  readonly host: Host;
  /** The API server, as this host's node. */
  readonly api: NodeApi;
  readonly node: OwnNode;
  readonly room: NodeRoom;
  readonly hostd: HostD;
  readonly agents: Agents;
  readonly config: ConfigSource;
  readonly images: Pick<ImageBook, "get" | "onChange">;
  readonly events: PodEvents;
  readonly addresses: AddressRange;
  /** The pod of that UID has no address and takes no room any more. */
  readonly vacate: (podUid: string) => void;
  readonly steps: PodSteps;
  /** Pods of a process being started at the same time. */
  readonly startGate: Gate;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

/** Who a Spherelet is in `metadata.managedFields`. */
export const FIELD_MANAGER = "spherelet";
