/**
 * Stands for the vCenter API server with DRS: the inventory of hosts, pools and virtual machines, tasks, and placement.
 * It answers PlaceVm (steps 4 and 5), and on ApplyRecommendation has the chosen host's HostD create and power on the VM (step 7).
 * On the way back it has the VM destroyed and forgets it (D4, D5); what it must not forget lies in etcd.
 */
import { setMaxListeners } from "node:events";
import type { Clock } from "../base/clock.js";
import type { LatencyProfile } from "../base/latency-profile.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import { ClusterServiceService } from "../gen/spheresim/vcenter/v1/cluster_service.js";
import { DrsServiceService } from "../gen/spheresim/vcenter/v1/drs_service.js";
import { EventServiceService } from "../gen/spheresim/vcenter/v1/event_service.js";
import { ResourcePoolServiceService } from "../gen/spheresim/vcenter/v1/resource_pool_service.js";
import { RuleServiceService } from "../gen/spheresim/vcenter/v1/rule_service.js";
import { TaskServiceService } from "../gen/spheresim/vcenter/v1/task_service.js";
import { VirtualMachineServiceService } from "../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import { startRpcServer } from "../rpc/server.js";
import type { StepRecorder } from "../rpc/step-recorder.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { EtcdKeyValue, GrpcHostDaemons } from "./client.js";
import type { KeyValue } from "./store/key-value.js";
import { EncodedInventoryService } from "./services/encoded-inventory.js";
import { EncodedPlacementService } from "./services/encoded-placement.js";
import type { InventoryLimits } from "./inventory/inventory-limits.js";
import { gated } from "./services/gate.js";
import { openRoom, type OpenRoom } from "./services/open-room.js";

/** What a vCenter needs. */
export interface VcenterOptions {
  /** `host:port`; port 0 lets the system choose; `127.0.0.1:0` when absent. */
  readonly listen?: string;
  /** `host:port` of each etcd member. */
  readonly etcdEndpoints: readonly string[];
  readonly log: Logger;
  /** Emulated time: timestamps of objects and tasks. */
  readonly clock: Clock;
  /** Holds, retries, deadlines. */
  readonly monotonic: Clock;
  /** Uuids, and ties between equal hosts. */
  readonly dice: Dice;
  readonly recorder?: StepRecorder | undefined;
  /** How long migrations take; no time when absent. */
  readonly profile?: LatencyProfile;
  readonly tls?: TlsMaterial | undefined;
  /** How long a HostD may be out of reach before a task ends with HostNotReachable; 10,000 ms when absent. */
  readonly hostWindowMs?: number;
  /** How many objects the inventory takes; INVENTORY_LIMITS when absent. */
  readonly limits?: InventoryLimits;
  /** Where records are kept instead of etcd, for tests. */
  readonly keyValue?: KeyValue;
}

/** A running vCenter. */
export interface Vcenter {
  /** `host:port` to connect to. */
  readonly address: string;
  readonly port: number;
  /** Resolves when the records are read and calls are answered; never when it is closed before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when it stopped by itself: another vCenter took over (StaleWriter), or a record cannot be read. */
  readonly ended: Promise<Error>;
  /** Durable Txns since the start. */
  readonly commits: number;
  close(): Promise<void>;
}

const SERVICES = [EncodedInventoryService, ResourcePoolServiceService, EncodedPlacementService, VirtualMachineServiceService, TaskServiceService, RuleServiceService, ClusterServiceService, DrsServiceService, EventServiceService];

/** Listens at once and answers UNAVAILABLE until etcd has given the records. It waits for no host. */
export async function startVcenter(options: VcenterOptions): Promise<Vcenter> {
  const { log, tls } = options;
  const closing = new AbortController();
  // Every call of a HostD that is under way listens to it.
  setMaxListeners(0, closing.signal);
  let room: OpenRoom | undefined;
  const server = await startRpcServer({
    listen: options.listen ?? "127.0.0.1:0",
    room: "vcenter",
    log,
    tls,
    serving: false,
    services: SERVICES.map((definition) => gated(definition, () => room?.services)),
  });

  const etcd = options.keyValue === undefined ? new EtcdKeyValue({ endpoints: options.etcdEndpoints, tls, clock: options.monotonic }) : undefined;
  const daemons = new GrpcHostDaemons(tls);
  let onEnd: (reason: Error) => void = () => undefined;
  const ended = new Promise<Error>((resolve) => (onEnd = resolve));
  let onReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (onReady = resolve));
  const opening = openRoom({ ...options, keyValue: options.keyValue ?? etcd, daemons, closing, onStale: (fault) => stop(fault) }).then(
    (opened) => {
      room = opened;
      server.health.set(true);
      onReady();
    },
    (error: unknown) => {
      if (!closing.signal.aborted) stop(error instanceof Error ? error : new Error(String(error)));
    },
  );

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= closeAll());
  const closeAll = async (): Promise<void> => {
    await server.close();
    closing.abort();
    await opening;
    await room?.close();
    daemons.close();
    etcd?.close();
  };
  const stop = (reason: Error): void => {
    log.error({ err: reason }, "vCenter stops");
    void close().then(() => onEnd(reason));
  };
  return {
    address: server.address,
    port: server.port,
    ready,
    ended,
    get commits() {
      return room?.commits ?? 0;
    },
    close,
  };
}
