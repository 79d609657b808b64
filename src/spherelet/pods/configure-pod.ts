import { type ConfigurePodRequest, ConfigurePodState } from "../../gen/spheresim/spherelet/v1/pod.js";
import { isUuid } from "../../base/ids.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods as podType } from "../../kubernetes/resource-type.js";
import { isNotFound } from "../../kubernetes/status.js";
import { vmUuidOf } from "../../kubernetes/vsphere-pod.js";
import { SphereletFault } from "../errors.js";
import type { HostContext } from "../node/host-context.js";
import { MAX_PODS } from "./pod-router.js";
import type { PodWorkers } from "./pod-workers.js";
import { isNewer } from "../status/resource-version.js";

/** An object of the API server is at most 1.5 MB. */
const MAX_POD_JSON_BYTES = 2 * 1024 * 1024;

/** The Spherelet that is asked. */
export interface ConfigurePodSurroundings {
  readonly context: HostContext;
  readonly workers: PodWorkers;
  /** Pods of all hosts of the process. */
  readonly podCount: () => number;
}

/**
 * Step 11: takes a pod on if it is this host's and the VM is its own. The commit point (design, section 2): a VM belongs to the pod
 * whose annotation names it, so a request that says otherwise is refused, whoever sends it.
 */
export async function configurePod(around: ConfigurePodSurroundings, request: ConfigurePodRequest): Promise<ConfigurePodState> {
  requireFields(request);
  const { context, workers, podCount } = around;
  const pod = await findPod(around, request);
  const { uid } = pod.metadata;
  if (uid !== request.podUid) throw ownerMismatch(`pod ${request.namespace}/${request.name} has uid ${uid}, not ${request.podUid}`, request, uid);
  const vmUuid = vmUuidOf(pod)?.toLowerCase();
  if (vmUuid !== request.vmUuid.toLowerCase()) {
    throw ownerMismatch(vmUuid === undefined ? `pod ${request.namespace}/${request.name} names no VM` : `pod ${request.namespace}/${request.name} names VM ${vmUuid}, not ${request.vmUuid}`, request, "");
  }
  const { nodeName = "" } = pod.spec;
  if (nodeName !== context.host.name) throw invalidArgument("name", `pod ${request.namespace}/${request.name} is bound to ${nodeName === "" ? "no node" : nodeName}, not to ${context.host.name}`);
  if (workers.find(uid) === undefined && podCount() >= MAX_PODS) {
    throw new SphereletFault(`this process has ${MAX_PODS} pods already`, { $case: "resourceInUse", value: { type: "Pods", name: context.host.name } });
  }
  return workers.configure(pod).before ? ConfigurePodState.ALREADY_CONFIGURED : ConfigurePodState.ACCEPTED;
}

function requireFields(request: ConfigurePodRequest): void {
  for (const field of ["namespace", "name"] as const) if (request[field] === "") throw invalidArgument(field, "must not be empty");
  if (!isUuid(request.podUid.toLowerCase())) throw invalidArgument("pod_uid", "must be the UID of the pod");
  if (!isUuid(request.vmUuid.toLowerCase())) throw invalidArgument("vm_uuid", "must be the BIOS uuid of the pod's VM");
  if (request.podJson.length > MAX_POD_JSON_BYTES) throw invalidArgument("pod_json", `must be at most ${MAX_POD_JSON_BYTES} bytes`);
}

/** The newest there is of what the caller saw and what this host saw; read from the API server when neither has it. */
async function findPod(around: ConfigurePodSurroundings, request: ConfigurePodRequest): Promise<Pod> {
  const sent = readPod(request);
  const known = around.workers.find(request.podUid);
  if (sent !== undefined && known !== undefined) return isNewer(sent, known) ? sent : known;
  const pod = sent ?? known;
  if (pod !== undefined && vmUuidOf(pod)?.toLowerCase() === request.vmUuid.toLowerCase()) return pod;
  const { namespace, name } = request;
  try {
    return await around.context.api.get(podType, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) throw new SphereletFault(`pod ${namespace}/${name} does not exist`, { $case: "managedObjectNotFound", value: { obj: { type: "Pod", value: `${namespace}/${name}` } } });
    throw new SphereletFault(`the API server does not answer: ${error instanceof Error ? error.message : String(error)}`, { $case: "hostNotReachable", value: {} });
  }
}

function readPod(request: ConfigurePodRequest): Pod | undefined {
  if (request.podJson.length === 0) return undefined;
  let pod: Partial<Pod> | null;
  try {
    pod = JSON.parse(request.podJson.toString("utf8")) as Partial<Pod> | null;
  } catch {
    throw invalidArgument("pod_json", "is no JSON");
  }
  const { metadata, spec } = pod ?? {};
  if (typeof metadata?.uid !== "string" || typeof metadata.resourceVersion !== "string" || !Array.isArray(spec?.containers)) throw invalidArgument("pod_json", "is no pod of an API server");
  if (metadata.namespace !== request.namespace || metadata.name !== request.name) throw invalidArgument("pod_json", `is pod ${metadata.namespace}/${metadata.name}, not ${request.namespace}/${request.name}`);
  return { ...pod, metadata, spec };
}

function invalidArgument(field: string, why: string): SphereletFault {
  return new SphereletFault(`A specified parameter was not correct: ${field} (${why})`, { $case: "invalidArgument", value: { invalidProperty: field } }, field);
}

function ownerMismatch(message: string, request: ConfigurePodRequest, existingOwnerUid: string): SphereletFault {
  return new SphereletFault(message, {
    $case: "ownerMismatch",
    value: { vm: { type: "VirtualMachine", value: request.vmUuid }, requestedOwnerUid: request.podUid, existingOwnerUid },
  });
}
