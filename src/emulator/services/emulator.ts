import type { Clock } from "../../base/clock.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { CheckInvariantsResponse, type Info, type PlacementUpdate, type Violation, type WatchPlacementsRequest, WaitForRequest_Condition as Condition } from "../../gen/spheresim/emulator/v1/emulator.js";
import { EmulatorServiceService } from "../../gen/spheresim/emulator/v1/emulator_service.js";
import { StepRecord } from "../../gen/spheresim/emulator/v1/journal.js";
import type { Inventory } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods as podType } from "../../kubernetes/resource-type.js";
import type { RestClient } from "../../kubernetes/rest-client.js";
import { isNotFound } from "../../kubernetes/status.js";
import { RequestCache } from "../../rpc/request-cache.js";
import { serve, type StreamWriter } from "../../rpc/server.js";
import { durationMs } from "../duration.js";
import { refusal } from "../errors.js";
import type { EsxiHosts } from "../esxi-hosts.js";
import { findHostViolations } from "../host-invariants.js";
import { findViolations } from "../invariants.js";
import { journalPrefix, podPrefix } from "../journal-key.js";
import type { JournalBatch, JournalChange, JournalReader } from "../journal-reader.js";
import { readManifest } from "../manifest.js";
import { place } from "../place.js";
import { reset } from "../reset.js";
import { waitFor } from "../wait-for.js";

/** What the service works with. */
export interface EmulatorSurroundings {
  readonly client: RestClient;
  readonly reader: JournalReader;
  readonly inventory: () => Promise<Inventory>;
  readonly esxi: EsxiHosts;
  readonly monotonic: Clock;
  readonly info: () => Info;
}

const defaultTimeoutMs = 60_000;
const settlePollMs = 50;

/** The emulator itself, as EmulatorService describes it. */
export function emulatorService(around: EmulatorSurroundings) {
  const { client, reader, monotonic } = around;
  const requests = new RequestCache("emulator");
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
    reset: (request) =>
      requests.answer("Reset", request, async () => {
        const timeoutMs = durationMs(request.timeout, defaultTimeoutMs, "timeout");
        return translated(async () => {
          // Pods of a host that is away would wait for it. Where there is no vCenter nobody knows of any.
          await around.esxi.mend((await around.inventory().catch(unlessAway))?.hosts ?? []);
          return { deleted: await reset(client, monotonic, timeoutMs) };
        });
      }),
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
  const { vms, silent } = await around.esxi.report(inventory.hosts);
  const after = (await around.client.list(podType)).items;
  const violations = [...inBoth(findViolations(before, inventory), findViolations(after, inventory)), ...(await confirmed(around, findHostViolations(before, inventory, vms)))];
  return CheckInvariantsResponse.create({ violations, pods: after.length, vms: inventory.virtualMachines.length, hosts: inventory.hosts.length, silentHosts: [...silent] });
}

/** Those of what hosts say that still hold when all three are asked once more: none of them is read at the same moment as another. */
async function confirmed(around: EmulatorSurroundings, first: readonly Violation[]): Promise<readonly Violation[]> {
  if (first.length === 0) return first;
  await around.monotonic.sleep(settlePollMs);
  const inventory = await around.inventory();
  const { vms } = await around.esxi.report(inventory.hosts);
  const now = (await around.client.list(podType)).items;
  return inBoth(first, findHostViolations(now, inventory, vms));
}

function inBoth(first: readonly Violation[], second: readonly Violation[]): Violation[] {
  const known = new Set(first.map(violationKey));
  return second.filter((each) => known.has(violationKey(each)));
}

function violationKey(violation: Violation): string {
  return `${violation.kind} ${violation.subject}`;
}

/** What is stored, or differs from what the token names; SYNCED; then what happens. */
async function watchPlacements(around: EmulatorSurroundings, request: WatchPlacementsRequest, stream: StreamWriter<PlacementUpdate>, signal: AbortSignal): Promise<void> {
  if (request.podUid !== "" && request.name !== "") throw RpcError.invalidArgument("pod_uid and name are both set", { field: "pod_uid", description: "name the pod in one way" });
  const token = revisionOf(request.resumeToken);
  const prefix = await prefixOf(around, request);
  const { revision, changes } = token === undefined ? await stored(around.reader, prefix) : await around.reader.since(prefix, token);
  for (const change of changes) await stream.write(placementUpdate(change, ""));
  await stream.write({ kind: UpdateKind.SYNCED, resumeToken: String(revision), step: undefined });
  if (request.untilNow) return;
  for await (const batch of around.reader.follow(prefix, revision, signal)) {
    const resumeToken = String(batch.revision);
    if (batch.changes.length === 0) await stream.write({ kind: UpdateKind.BOOKMARK, resumeToken, step: undefined });
    // Of what was stored in one Txn only the last says that all of it was told.
    for (const [at, change] of batch.changes.entries()) await stream.write(placementUpdate(change, at === batch.changes.length - 1 ? resumeToken : ""));
  }
}

async function stored(reader: JournalReader, prefix: string): Promise<JournalBatch> {
  const { records, revision } = await reader.read(prefix);
  return { revision, changes: records.map(({ record }) => ({ kind: "enter", record })) };
}

function placementUpdate(change: JournalChange, resumeToken: string): PlacementUpdate {
  if (change.kind === "leave") return { kind: UpdateKind.LEAVE, resumeToken, step: StepRecord.create(change.place) };
  return { kind: change.kind === "enter" ? UpdateKind.ENTER : UpdateKind.MODIFY, resumeToken, step: change.record };
}

/** The store's revision that a token names; undefined for no token. */
function revisionOf(resumeToken: string): bigint | undefined {
  if (resumeToken === "") return undefined;
  if (!/^[1-9]\d{0,17}$/.test(resumeToken)) throw RpcError.invalidArgument(`resume_token "${resumeToken}" is no token of this watch`, { field: "resume_token", description: "must be one that an update had, or empty" });
  return BigInt(resumeToken);
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

function unlessAway(error: unknown): undefined {
  if (RpcError.is(error, RpcCode.UNAVAILABLE)) return undefined;
  throw error;
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
