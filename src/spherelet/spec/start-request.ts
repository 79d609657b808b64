import { Quantity } from "../../base/quantity.js";
import { ContainerSpec, RestartPolicy, StartPodRequest, type VolumeMount } from "../../gen/spheresim/crx/v1/agent.js";
import type { Container } from "../../kubernetes/container.js";
import type { PodSpec } from "../../kubernetes/pod.js";
import { annotationsFor } from "../../kubernetes/container-annotations.js";
import { guestAnnotationsOf, guestFateOf } from "../../kubernetes/guest-annotations.js";
import { cpuMilliOf, isSidecar } from "../../kubernetes/pod-resources.js";
import { unsupportedOnHost } from "../../kubernetes/unsupported-fields.js";
import { imageReferencesOf } from "../../kubernetes/vsphere-pod.js";
import { ConfigError } from "./config-error.js";
import type { ConfigSource } from "./config-source.js";
import { resolveEnvironment } from "./environment.js";
import { expand } from "./expansion.js";
import type { PodFacts } from "./field-ref.js";
import { imageObjectsOf } from "../pods/pod-annotations.js";
import { graceSecondsOf } from "../pods/pod-grace.js";
import { mountsOf } from "./mounts.js";
import { runsAsNonRoot } from "./non-root.js";
import { hookRequestOf, probeRequestOf } from "./probe-request.js";
import { resolveVolumes } from "./volumes.js";

/** Why a container cannot be made of what its spec says (yet), as it waits. */
const heldReasons = ["CreateContainerConfigError", "InvalidImageName"] as const;
export type HeldReason = (typeof heldReasons)[number];

export function isHeldReason(reason: string): reason is HeldReason {
  return (heldReasons as readonly string[]).includes(reason);
}

/** The pod asks for something of the host that it cannot give; who names a node itself is told here, as no scheduler has looked. */
export class UnsupportedPod extends ConfigError {
  override readonly name = "UnsupportedPod";

  constructor(fields: readonly string[]) {
    super(`${fields.join(", ")} not supported by vSphere Pods here`);
  }
}

/** Containers that must not run again in a new life of the VM: they ended well and the restart policy lets them be. */
export type Finished = ReadonlySet<string>;

/** What the agent is asked to start (step 13). Throws UnmountedVolumes, UnsupportedPod or GuestAnnotationError. */
export async function buildStartRequest(facts: PodFacts, source: ConfigSource, restartCounts: ReadonlyMap<string, number>, finished: Finished): Promise<StartPodRequest> {
  const { metadata, spec } = facts.pod;
  const volumes = await resolveVolumes(facts, source);
  const build = (container: Container): Promise<ContainerSpec> => buildContainer(facts, container, source);
  const initContainers = (await inOrder(spec.initContainers ?? [], build)).map((built, index) => ({ ...built, sidecar: isSidecar((spec.initContainers ?? [])[index] as Container) }));
  const containers = await inOrder(spec.containers.filter((container) => !finished.has(container.name)), build);
  const unsupported = unsupportedOnHost(spec);
  if (unsupported.length > 0) throw new UnsupportedPod(unsupported);
  const guestAnnotations = guestAnnotationsOf(facts.pod);
  // One that makes no sense is refused here, where users are told.
  guestFateOf(guestAnnotations, 1);
  return StartPodRequest.create({
    guestAnnotations,
    podUid: metadata.uid,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    initContainers,
    containers,
    volumes,
    restartPolicy: restartPolicyOf(spec),
    restartCounts: Object.fromEntries(restartCounts),
    terminationGracePeriod: { seconds: BigInt(graceSecondsOf(facts.pod)), nanos: 0 },
  });
}

async function inOrder<A, B>(list: readonly A[], make: (item: A) => Promise<B>): Promise<B[]> {
  const made: B[] = [];
  for (const item of list) made.push(await make(item));
  return made;
}

function restartPolicyOf(spec: PodSpec): RestartPolicy {
  if (spec.restartPolicy === "Never") return RestartPolicy.NEVER;
  return spec.restartPolicy === "OnFailure" ? RestartPolicy.ON_FAILURE : RestartPolicy.ALWAYS;
}

/** What a container is made of; one that lacks something, or whose spec makes no sense, is held. */
async function buildContainer(facts: PodFacts, container: Container, source: ConfigSource): Promise<ContainerSpec> {
  const { name, image = "" } = container;
  const imageId = imageObjectsOf(facts.pod).get(name) ?? "";
  const held = (reason: HeldReason, message: string): ContainerSpec => ContainerSpec.create({ name, image, imageId, held: { reason, message } });
  // The image controller leaves out of its answer what is no image reference.
  if (imageReferencesOf(facts.pod) !== undefined && imageId === "") {
    const quoted = JSON.stringify(image);
    return held("InvalidImageName", `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format`);
  }
  let environment: ReadonlyMap<string, string>;
  let mounts: VolumeMount[];
  let runAsNonRoot: boolean;
  try {
    environment = await resolveEnvironment(facts, container, source);
    mounts = mountsOf(facts.pod.spec, container, environment);
    runAsNonRoot = runsAsNonRoot(facts.pod, container);
  } catch (error) {
    if (error instanceof ConfigError) return held("CreateContainerConfigError", error.message);
    throw error;
  }
  const expanded = (text: string): string => expand(text, (variable) => environment.get(variable));
  return ContainerSpec.create({
    name,
    image,
    imageId,
    command: (container.command ?? []).map(expanded),
    args: (container.args ?? []).map(expanded),
    env: Object.fromEntries(environment),
    mounts,
    workingDir: container.workingDir ?? "",
    limitCpuMilli: cpuMilliOf(container.resources?.limits?.["cpu"]),
    limitMemoryBytes: Quantity.parseOrZero(container.resources?.limits?.["memory"]).value(),
    runAsNonRoot,
    ports: (container.ports ?? []).map(({ containerPort }) => containerPort),
    ...probesOf(container, facts.podIp),
    annotations: annotationsFor(facts.pod, name),
  });
}

function probesOf(container: Container, podIp: string): Partial<ContainerSpec> {
  const startupProbe = probeRequestOf(container, container.startupProbe, podIp);
  const livenessProbe = probeRequestOf(container, container.livenessProbe, podIp);
  const readinessProbe = probeRequestOf(container, container.readinessProbe, podIp);
  const postStart = hookRequestOf(container, container.lifecycle?.postStart, podIp);
  const preStop = hookRequestOf(container, container.lifecycle?.preStop, podIp);
  return {
    ...(startupProbe === undefined ? {} : { startupProbe }),
    ...(livenessProbe === undefined ? {} : { livenessProbe }),
    ...(readinessProbe === undefined ? {} : { readinessProbe }),
    ...(postStart === undefined ? {} : { postStart }),
    ...(preStop === undefined ? {} : { preStop }),
  };
}
