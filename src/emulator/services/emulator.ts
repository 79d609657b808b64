import type { Clock } from "../../base/clock.js";
import { RpcError } from "../../base/rpc-error.js";
import { CheckInvariantsResponse, type Info, type PlacementUpdate, type Violation, type WatchPlacementsRequest, WaitForRequest_Condition as Condition } from "../../gen/spheresim/emulator/v1/emulator.js";
import { EmulatorServiceService } from "../../gen/spheresim/emulator/v1/emulator_service.js";
import type { Inventory } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods as podType } from "../../kubernetes/resource-type.js";
import type { RestClient } from "../../kubernetes/rest-client.js";
import { isNotFound } from "../../kubernetes/status.js";
import { serve, type StreamWriter } from "../../rpc/server.js";
import { durationMs } from "../duration.js";
import { refusal } from "../errors.js";
import { findViolations } from "../invariants.js";
import { journalPrefix, podPrefix } from "../journal-key.js";
import type { JournalReader } from "../journal-reader.js";
import { readManifest } from "../manifest.js";
import { place } from "../place.js";
import { reset } from "../reset.js";
import { waitFor } from "../wait-for.js";

/** What the service works with. */
export interface EmulatorSurroundings {
  readonly client: RestClient;
  readonly reader: JournalReader;
  readonly inventory: () => Promise<Inventory>;
  readonly monotonic: Clock;
  readonly info: () => Info;
}

const defaultTimeoutMs = 60_000;
const settlePollMs = 50;

/** The emulator itself, as EmulatorService describes it. */
export function emulatorService(around: EmulatorSurroundings) {
  const { client, reader, monotonic } = around;
  return serve(EmulatorServiceService, {
    getInfo: async () => around.info(),
    place: async (request, stream, call) => {
      const objects = readManifest(request.manifest);
      const timeoutMs = durationMs(request.timeout, defaultTimeoutMs, "timeout");
      const options = { objects, namespace: request.namespace || "default", timeoutMs, signal: call.signal };
      await translated(async () => {
        for await (const response of place({ client, reader, monotonic }, options)) await stream.write(response);
      });
    },
    watchPlacements: (request, stream, call) => translated(() => watchPlacements(around, request, stream, call.signal)),
    waitFor: async (request, call) => {
      requireName(request.name);
      if (request.condition === Condition.UNRECOGNIZED || !(request.condition in Condition)) throw RpcError.invalidArgument(`condition ${request.condition} is unknown`, { field: "condition", description: "must be one of the enum's values" });
      const options = { namespace: request.namespace || "default", name: request.name, condition: request.condition, timeoutMs: durationMs(request.timeout, defaultTimeoutMs, "timeout"), signal: call.signal };
      return translated(() => waitFor(client, monotonic, options));
    },
    reset: async (request) => ({ deleted: await translated(() => reset(client, monotonic, durationMs(request.timeout, defaultTimeoutMs, "timeout"))) }),
    checkInvariants: async (request) => {
      const deadlineMs = monotonic.nowMs() + durationMs(request.settle, 0, "settle");
      for (;;) {
        const checked = await translated(() => checkOnce(around));
        if (checked.violations.length === 0 || monotonic.nowMs() >= deadlineMs) return checked;
        await monotonic.sleep(settlePollMs);
      }
    },
  });
}

async function checkOnce(around: EmulatorSurroundings): Promise<CheckInvariantsResponse> {
  // Pods before and after the inventory: what changed while it was read is judged by neither, so nothing on its way counts.
  const before = (await around.client.list(podType)).items;
  const inventory = await around.inventory();
  const after = (await around.client.list(podType)).items;
  const known = new Set(findViolations(before, inventory).map(violationKey));
  const violations = findViolations(after, inventory).filter((each) => known.has(violationKey(each)));
  return CheckInvariantsResponse.create({ violations, pods: after.length, vms: inventory.virtualMachines.length, hosts: inventory.hosts.length });
}

function violationKey(violation: Violation): string {
  return `${violation.kind} ${violation.subject}`;
}

async function watchPlacements(around: EmulatorSurroundings, request: WatchPlacementsRequest, stream: StreamWriter<PlacementUpdate>, signal: AbortSignal): Promise<void> {
  if (request.afterRevision < 0n) throw RpcError.invalidArgument("after_revision is negative", { field: "after_revision", description: "must be a revision an update had, or 0" });
  if (request.podUid !== "" && request.name !== "") throw RpcError.invalidArgument("pod_uid and name are both set", { field: "pod_uid", description: "name the pod in one way" });
  const prefix = await prefixOf(around, request);
  let after = request.afterRevision;
  if (after === 0n || request.untilNow) {
    const { records, revision } = await around.reader.read(prefix);
    for (const { record, revision: stored } of records) if (stored > after) await stream.write({ step: record, revision: stored });
    after = revision;
  }
  if (request.untilNow) return;
  for await (const { record, revision } of around.reader.follow(prefix, after, signal)) await stream.write({ step: record, revision });
}

async function prefixOf(around: EmulatorSurroundings, request: WatchPlacementsRequest): Promise<string> {
  if (request.podUid !== "") return podPrefix(request.podUid);
  if (request.name === "") return journalPrefix;
  const namespace = request.namespace || "default";
  try {
    const pod: Pod = await around.client.get(podType, { namespace, name: request.name });
    return podPrefix(pod.metadata.uid);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  // The pod is gone; its steps may still be there, the newest pod of that name counts.
  const { records } = await around.reader.read(journalPrefix);
  const newest = records.filter(({ record }) => record.namespace === namespace && record.name === request.name).reduce((best, each) => (best === undefined || each.revision > best.revision ? each : best), undefined as (typeof records)[number] | undefined);
  if (newest === undefined) throw RpcError.notFound(`no step of pod ${namespace}/${request.name} is recorded`);
  return podPrefix(newest.record.podUid);
}

function requireName(name: string): void {
  if (name === "") throw RpcError.invalidArgument("name is not set", { field: "name", description: "the name of a pod is required" });
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusal(error);
  }
}
