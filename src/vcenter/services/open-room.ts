import type { Clock } from "../../base/clock.js";
import { latencyProfile, type LatencyProfile } from "../../base/latency-profile.js";
import type { Logger } from "../../base/log.js";
import type { Dice } from "../../base/seeded-random.js";
import { version } from "../../base/version.js";
import { RequestCache } from "../../rpc/request-cache.js";
import type { ServedService } from "../../rpc/server.js";
import { ActivityRounds } from "../activity/activity-rounds.js";
import { EventLog } from "../events/event-log.js";
import { History } from "../events/history.js";
import { HostEvents } from "../events/host-events.js";
import { TaskEvents } from "../events/task-events.js";
import { DerivedFigures } from "../inventory/derived-figures.js";
import { CREATE_TASK, Deployments } from "../machines/deployments.js";
import { drsMover } from "../hosts/drs-mover.js";
import { APPLY_TASK } from "../drs-running/applications.js";
import { Drs } from "../drs-running/drs.js";
import { HostWatch } from "../drs-running/host-watch.js";
import type { HostDaemons } from "../hosts/host-daemon.js";
import { HostChoice } from "../placement/host-choice.js";
import { HostLinks } from "../hosts/host-links.js";
import { HostModes } from "../hosts/host-modes.js";
import { Holds } from "../placement/holds.js";
import { Inventory } from "../inventory/inventory.js";
import { showObject } from "../inventory/inventory-view.js";
import { InventoryAdmin } from "../inventory/inventory-admin.js";
import type { StepSink } from "../../kubernetes/pod-steps.js";
import { Journal } from "../placement/journal.js";
import { ABOUT_KEY } from "../store/keyspace.js";
import type { KeyValue } from "../store/key-value.js";
import { loadInventory } from "../store/load.js";
import { ChangeDigest } from "../inventory/change-digest.js";
import { ClusterAdmin } from "../clusters/cluster-admin.js";
import { ClusterHealth } from "../clusters/cluster-health.js";
import { RuleAdmin } from "../clusters/rule-admin.js";
import { RuleCompliance } from "../clusters/rule-compliance.js";
import { RuleTable } from "../clusters/rule-table.js";
import { Migrations } from "../machines/migrations.js";
import { MoidCounters } from "../inventory/moid-counters.js";
import { MultiPowerOn, POWER_ON_VMS_TASK } from "../machines/multi-power-on.js";
import type { InventoryLimits } from "../inventory/inventory-limits.js";
import { Pages } from "../inventory/pages.js";
import { PowerOnRecommendations } from "../machines/power-on-recommendations.js";
import { PlacementRules } from "../placement/placement-rules.js";
import { Placements } from "../placement/placements.js";
import { PoolAdmin } from "../clusters/pool-admin.js";
import { PoolMoves } from "../clusters/pool-moves.js";
import { Reconfigurations } from "../machines/reconfigurations.js";
import { Reconciler } from "../hosts/reconciler.js";
import { Serial } from "../store/serial.js";
import { watchEpoch } from "../store/epoch-watch.js";
import { Store } from "../store/store.js";
import { resumeTasks } from "../tasks/task-resumption.js";
import { TaskRegistry } from "../tasks/task-registry.js";
import type { VimFault } from "../vim-fault.js";
import { POWER_TASKS, VmLifecycle } from "../machines/vm-lifecycle.js";
import { VmTasks } from "../machines/vm-tasks.js";
import type { OpenServices } from "./gate.js";
import { clusterService } from "./cluster-service.js";
import { drsService } from "./drs-service.js";
import { eventService } from "./event-service.js";
import { inventoryService } from "./inventory-service.js";
import { placementService } from "./placement-service.js";
import { resourcePoolService } from "./resource-pool-service.js";
import { ruleService } from "./rule-service.js";
import { taskService } from "./task-service.js";
import { virtualMachineService } from "./virtual-machine-service.js";

/** What an open room is made of. */
export interface OpenRoomOptions {
  readonly keyValue: KeyValue | undefined;
  readonly daemons: HostDaemons;
  readonly log: Logger;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly recorder?: StepSink | undefined;
  readonly hostWindowMs?: number;
  readonly profile?: LatencyProfile;
  /** INVENTORY_LIMITS unless stated. */
  readonly limits?: InventoryLimits;
  readonly closing: AbortController;
  readonly onStale: (fault: VimFault) => void;
}

/** The room with its records read: it answers, watches hosts and works on tasks. */
export interface OpenRoom {
  readonly services: OpenServices;
  readonly commits: number;
  /** Ends what is under way; the caller has aborted `closing`. */
  close(): Promise<void>;
}

const DEFAULT_HOST_WINDOW_MS = 10_000;

/** Takes over the records, rebuilds the inventory, resumes tasks and connects to the hosts. */
export async function openRoom(options: OpenRoomOptions): Promise<OpenRoom> {
  const { keyValue, daemons, log, clock, monotonic, dice, closing } = options;
  if (keyValue === undefined) throw new Error("no store to keep records in");
  const { store, entries } = await Store.open(keyValue, { monotonic, log, closing: closing.signal });
  store.onStale = options.onStale;
  const epochWatch = watchEpoch({ kv: keyValue, store, monotonic, log, closing: closing.signal });
  const { epoch } = store;
  const inventory = new Inventory(
    epoch,
    (of, moid) => {
      derived.read(moid);
      return showObject(of, moid);
    },
    clock,
    options.limits,
  );
  const rules = new RuleTable((moid) => inventory.findVm(moid) !== undefined || inventory.findHost(moid) !== undefined);
  const loaded = loadInventory(entries, inventory, rules);
  const derived = new DerivedFigures(inventory);
  const counters = new MoidCounters(loaded.counters);
  store.rider = counters;
  const instanceUuid = loaded.instanceUuid ?? dice.fork("instance").uuid();
  if (loaded.instanceUuid === undefined) await store.commit({ puts: [{ key: ABOUT_KEY, value: JSON.stringify({ instanceUuid }) }] });

  const events = new EventLog(clock, inventory);
  const hostEvents = new HostEvents(events, inventory);
  const tasks = new TaskRegistry(epoch, clock);
  const history = new History({ store, monotonic, log });
  const kept = history.restore(entries);
  events.restore(kept.events, (event) => history.addEvent(event));
  const taskEvents = new TaskEvents(events, inventory);
  tasks.observer = {
    began: (task) => taskEvents.began(task),
    ended: (task) => {
      taskEvents.ended(task);
      history.addTask(task);
    },
  };
  const journal = new Journal(options.recorder, clock);
  const requests = new RequestCache("vcenter");
  const serial = new Serial();
  const holds = new Holds(inventory.ledger, monotonic);
  const placementRules = new PlacementRules(inventory, rules, holds);
  const choice = new HostChoice({ inventory, rules: placementRules, dice });
  const placements = new Placements({ inventory, holds, clock, monotonic, choice, journal, epoch, rules: placementRules });
  const hostWindowMs = options.hostWindowMs ?? DEFAULT_HOST_WINDOW_MS;
  const vmTasks = new VmTasks({ inventory, tasks, events, store, counters, daemons, monotonic, log, hostWindowMs, closing: closing.signal });
  const look = (moid: string, instanceUuid: string): void => {
    const host = inventory.findHost(moid);
    const there = host?.responding === true ? links.vmOn(host, instanceUuid) : undefined;
    if (host !== undefined && there !== undefined) reconciler.onVm(host, there);
  };
  vmTasks.onWantedAgain = ({ host, config }) => look(host, config.instanceUuid);
  const migrations = new Migrations({
    vmTasks,
    choice,
    durations: (options.profile ?? latencyProfile("instant")).durations,
    clock,
    removed: (host, instanceUuid) => reconciler.removed(host, instanceUuid),
    look,
  });
  const lifecycle = new VmLifecycle(vmTasks, choice, migrations, journal);
  const reconciler: Reconciler = new Reconciler({ vmTasks, lifecycle, clock, monotonic, log, closing: closing.signal, events, hostEvents });
  const links: HostLinks = new HostLinks({ inventory, daemons, facts: reconciler, monotonic, log, closing: closing.signal });
  const onAbandoned = (vm: Parameters<Reconciler["abandoned"]>[0]): void => {
    const host = inventory.findHost(vm.host);
    reconciler.abandoned(vm, host === undefined ? undefined : links.vmOn(host, vm.config.instanceUuid));
  };
  const deployments = new Deployments({ vmTasks, placements, holds, journal, clock, dice, migrate: (vm, host) => migrations.migrate(vm, { host }), onAbandoned });
  const reconfigurations = new Reconfigurations(vmTasks, choice, clock);
  const powerOns = new PowerOnRecommendations({ vmTasks, lifecycle, choice, holds, epoch, clock });
  const multiPowerOn = new MultiPowerOn(vmTasks, lifecycle, choice, powerOns);
  const admin = new InventoryAdmin({ inventory, store, counters, holds, links, serial, events, hostEvents });
  const pools = new PoolAdmin({ inventory, store, counters, serial, events });
  const poolMoves = new PoolMoves(vmTasks, serial, events);
  const clusterAdmin = new ClusterAdmin({ inventory, store, serial, events });
  const modes = new HostModes({ vmTasks, holds, events, serial, mover: drsMover({ inventory, tasks, migrations, choice, rules: placementRules }), clock });
  const ruleAdmin = new RuleAdmin({ inventory, rules, store, counters, serial, dice: dice.fork("rules") });

  const known = new Set([...loaded.tasks, ...kept.tasks].map((task) => task.task?.value));
  for (const origin of [...inventory.owners, ...inventory.creations]) {
    const vm = inventory.findVm(origin.vm);
    if (vm !== undefined && !known.has(origin.task)) tasks.restore(deployments.finishedTask(origin, vm));
  }
  // Behind those that only the records of VMs tell of: beyond the limit the first are forgotten.
  for (const task of kept.tasks) tasks.restore(task);
  links.refresh();
  const rounds = new ActivityRounds(inventory, clock, log);
  const drs = new Drs({ vmTasks, rules, migrations, powerOns, events, epoch, clock, monotonic, log, closing: closing.signal });
  const resumers = [
    { descriptionIds: [CREATE_TASK], resume: deployments.resume.bind(deployments) },
    { descriptionIds: ["VirtualMachine.migrate"], resume: migrations.resume.bind(migrations) },
    { descriptionIds: ["VirtualMachine.reconfigure"], resume: reconfigurations.resume.bind(reconfigurations) },
    { descriptionIds: POWER_TASKS, resume: lifecycle.resume.bind(lifecycle) },
  ];
  const powerOnVms = loaded.tasks.filter(({ descriptionId }) => descriptionId === POWER_ON_VMS_TASK);
  const ofHosts = loaded.tasks.filter((task) => task.entity?.type === "HostSystem");
  const applications = loaded.tasks.filter(({ descriptionId }) => descriptionId === APPLY_TASK);
  resumeTasks(loaded.tasks.filter((task) => ![powerOnVms, ofHosts, applications].some((tasksOfOther) => tasksOfOther.includes(task))), resumers, vmTasks);
  for (const task of applications) drs.applications.resume(task);
  for (const task of powerOnVms) multiPowerOn.resume(task);
  for (const task of ofHosts) modes.resume(task);
  const health = new ClusterHealth(inventory, events);
  const hostWatch = new HostWatch(inventory, drs.passes);
  const compliance = new RuleCompliance(inventory, rules, events);
  const digest = new ChangeDigest(monotonic, (keys) => {
    health.look();
    derived.look();
    compliance.look(keys);
    powerOns.look(keys);
    hostWatch.look(keys);
  });
  inventory.feed.observe((key) => digest.add(key));
  inventory.feed.observeRemovals((key) => {
    rules.gone(key);
    holds.dropVm(key);
  });
  rules.onChange = (cluster) => digest.add(cluster);
  for (const { ref } of inventory.clusters) digest.add(ref?.value ?? "");
  log.info({ epoch: String(epoch), hosts: inventory.hosts.length, vms: inventory.vms.length, resumedTasks: loaded.tasks.length }, "vCenter is open");

  const about = { name: "spheresim vCenter", instanceUuid, version, apiType: "VirtualCenter", epoch };
  const services: readonly ServedService[] = [
    inventoryService({ about, inventory, holds, admin, modes, requests, hostPages: new Pages(epoch, monotonic), monotonic }),
    resourcePoolService({ inventory, pools, moves: poolMoves, requests, poolPages: new Pages(epoch, monotonic) }),
    placementService({ inventory, placements, deployments, holds, requests, monotonic }),
    virtualMachineService({ inventory, choice, deployments, lifecycle, multiPowerOn, powerOns, migrations, reconfigurations, requests, vmPages: new Pages(epoch, monotonic) }),
    taskService({ tasks, requests, taskPages: new Pages(epoch, monotonic), monotonic }),
    ruleService({ rules: ruleAdmin, requests, rulePages: new Pages(epoch, monotonic), groupPages: new Pages(epoch, monotonic) }),
    clusterService({ clusters: clusterAdmin, inventory, passes: drs.passes, requests }),
    drsService({ inventory, drs, requests, recommendationPages: new Pages(epoch, monotonic), usagePages: new Pages(epoch, monotonic) }),
    eventService({ log: events, epoch, eventPages: new Pages(epoch, monotonic), monotonic }),
  ];
  return {
    services: new Map(services.map((service) => [service.definition, service])),
    get commits() {
      return store.commits;
    },
    close: async () => {
      holds.close();
      digest.close();
      await Promise.all([links.close(), vmTasks.settled(), rounds.close(), drs.close(), epochWatch]);
      await history.close();
      // The next start goes on with the next number instead of the next block.
      await store.commit({ puts: [counters.final()] }).catch((error: unknown) => log.debug({ err: error }, "the moid counters were not stored at the end"));
    },
  };
}
