import { type Condition, findCondition } from "../../kubernetes/condition.js";
import { nameOf } from "../../kubernetes/object-meta.js";
import type { Pod } from "../../kubernetes/pod.js";
import { pods } from "../../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../../kubernetes/status.js";
import { FIELD_MANAGER, type HostContext } from "../node/host-context.js";
import { imageProfilesNews } from "../images/image-profiles.js";
import { isCurrent, podStatusOf, type PodSituation } from "./pod-status.js";
import { revisionOf } from "./resource-version.js";

/** A write of a status that was needed. */
export interface StatusWritten {
  /** The pod as it is now; undefined when it is gone or another one has its name. */
  readonly pod: Pod | undefined;
  /** Emulated, when the write began. */
  readonly startMs: number;
}

/**
 * Step 14: brings the pod's status in line; undefined when nothing had to be written.
 *
 * A strategic merge patch, as node agents send: conditions merge by type, so that the scheduler's and those of readiness gates stay,
 * and the uid in it makes it fail on a pod that was created anew. The profiles that containers run by go along as an annotation.
 */
export async function writeStatus(context: HostContext, situation: PodSituation, signal: AbortSignal): Promise<StatusWritten | undefined> {
  const { pod } = situation;
  const status = podStatusOf(situation);
  const annotations = imageProfilesNews(pod, situation.containers);
  if (isCurrent(pod.status, status) && annotations === undefined) return undefined;
  const startMs = context.clock.nowMs();
  try {
    const written = await context.api.patch(
      pods,
      nameOf(pod),
      {
        type: "strategic",
        body: {
          metadata: { uid: pod.metadata.uid, ...(annotations === undefined ? {} : { annotations }) },
          status: { ...status, conditions: status.conditions.map((condition) => takingBack(findCondition(pod.status?.conditions, condition.type), condition)) },
        },
      },
      { subresource: "status", fieldManager: FIELD_MANAGER, signal },
    );
    return { pod: written, startMs };
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return { pod: undefined, startMs };
    throw error;
  }
}

/** A merge keeps the reason and message that a condition had before, where the patch says nothing of them: `null` takes them away. */
function takingBack(old: Condition | undefined, next: Condition): object {
  return {
    ...next,
    ...(old?.reason !== undefined && next.reason === undefined ? { reason: null } : {}),
    ...(old?.message !== undefined && next.message === undefined ? { message: null } : {}),
  };
}

/** Tells of step 14: the API server has stored a status in which the containers have started. */
export function recordStatus({ steps }: HostContext, pod: Pod, startMs: number): void {
  const { namespace = "", name } = nameOf(pod);
  const etcdRevision = revisionOf(pod);
  steps.record({
    pod,
    step: 14,
    peer: "apiserver",
    wire: `PATCH /api/v1/namespaces/${namespace}/pods/${name}/status`,
    startMs,
    subject: name,
    message: pod.status?.phase ?? "",
    ...(etcdRevision === undefined ? {} : { etcdRevision }),
  });
}
