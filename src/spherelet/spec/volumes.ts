import { Quantity } from "../../base/quantity.js";
import type { VolumeSpec } from "../../gen/spheresim/crx/v1/agent.js";
import type { ConfigMapSource, DownwardItem, SecretSource, Volume } from "../../kubernetes/pod.js";
import { volumeSource } from "../../kubernetes/pod.js";
import { hostPathRule, mayMountHostPath } from "../../kubernetes/unsupported-fields.js";
import { allContainers } from "../../kubernetes/vsphere-pod.js";
import { ConfigError, MountError, UnmountedVolumes } from "./config-error.js";
import type { ConfigSource } from "./config-source.js";
import { findContainer } from "./environment.js";
import type { PodFacts } from "./field-ref.js";
import { metadataText, resourceText } from "./field-ref.js";
import { filesOf, putFile, putFiles, type VolumeFiles } from "./volume-files.js";

/** The pod's volumes as the agent takes them. Throws UnmountedVolumes for those that cannot be made: each is tried, as by a kubelet. */
export async function resolveVolumes(facts: PodFacts, source: ConfigSource): Promise<VolumeSpec[]> {
  const volumes: VolumeSpec[] = [];
  const failures: MountError[] = [];
  for (const volume of facts.pod.spec.volumes ?? []) {
    try {
      volumes.push(await resolveVolume(facts, volume, source));
    } catch (error) {
      if (!(error instanceof MountError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new UnmountedVolumes(failures);
  return volumes;
}

async function resolveVolume(facts: PodFacts, volume: Volume, source: ConfigSource): Promise<VolumeSpec> {
  const namespace = facts.pod.metadata.namespace ?? "";
  const { name } = volume;
  const files = (value: VolumeFiles): VolumeSpec => ({ name, source: { $case: "files", value } });
  try {
    switch (volumeSource(volume)) {
      case "emptyDir":
        return { name, source: { $case: "emptyDir", value: emptyDirOf(volume) } };
      case "configMap":
        return files(await configMapFiles(namespace, volume.configMap ?? {}, volume.configMap?.defaultMode, source));
      case "secret":
        return files(await secretFiles(namespace, volume.secret ?? {}, volume.secret?.defaultMode, source));
      case "downwardAPI":
        return files(downwardFiles(facts, volume.downwardAPI?.items ?? [], volume.downwardAPI?.defaultMode));
      case "projected":
        return files(await projectedFiles(facts, volume, source));
      case "hostPath":
        if (!mayMountHostPath(volume, allContainers(facts.pod))) throw new MountError(name, hostPathRule);
        // No program writes logs here.
        return files(filesOf({}, undefined));
      default:
        throw new MountError(name, `volume kind ${volumeSource(volume)} is not supported by vSphere Pods here`);
    }
  } catch (error) {
    if (error instanceof ConfigError && !(error instanceof MountError)) throw new MountError(name, error.message);
    throw error;
  }
}

/** On the ephemeral disk, unless the pod wants it in memory. */
function emptyDirOf({ name, emptyDir: { medium = "", sizeLimit } = {} }: Volume): { readonly sizeLimitBytes: bigint; readonly inMemory: boolean } {
  if (medium.startsWith("HugePages")) throw new MountError(name, `medium ${medium} of an emptyDir is not supported by vSphere Pods here`);
  if (medium !== "" && medium !== "Memory") throw new MountError(name, `unknown storage medium ${JSON.stringify(medium)}`);
  return { sizeLimitBytes: Quantity.parseOrZero(sizeLimit).value(), inMemory: medium === "Memory" };
}

/** All that can be had of the sources; what cannot is told together, as a kubelet tells a list of errors. */
async function projectedFiles(facts: PodFacts, volume: Volume, source: ConfigSource): Promise<VolumeFiles> {
  const namespace = facts.pod.metadata.namespace ?? "";
  const { sources = [], defaultMode } = volume.projected ?? {};
  const files = filesOf({}, undefined);
  const complaints = new Set<string>();
  for (const part of sources) {
    try {
      if (part.configMap !== undefined) putFiles(files, await configMapFiles(namespace, part.configMap, defaultMode, source));
      else if (part.secret !== undefined) putFiles(files, await secretFiles(namespace, part.secret, defaultMode, source));
      else if (part.downwardAPI !== undefined) putFiles(files, downwardFiles(facts, part.downwardAPI.items ?? [], defaultMode));
      else throw new MountError(volume.name, `projected source ${Object.keys(part).join(", ")} is not supported by vSphere Pods here`);
    } catch (error) {
      if (!(error instanceof ConfigError) || error instanceof MountError) throw error;
      complaints.add(error.message);
    }
  }
  if (complaints.size > 0) throw new ConfigError(complaints.size === 1 ? [...complaints].join("") : `[${[...complaints].join(", ")}]`);
  return files;
}

async function configMapFiles(namespace: string, wanted: ConfigMapSource, defaultMode: number | undefined, source: ConfigSource): Promise<VolumeFiles> {
  const name = wanted.name ?? "";
  const found = await source.configMap(namespace, name);
  if (found === undefined && wanted.optional !== true) throw new ConfigError(`configmap "${name}" not found`);
  const data: Record<string, Buffer> = {};
  for (const [key, text] of Object.entries(found?.data ?? {})) data[key] = Buffer.from(text, "utf8");
  for (const [key, text] of Object.entries(found?.binaryData ?? {})) data[key] = Buffer.from(text, "base64");
  return chosen(data, wanted, defaultMode, "configmap references non-existent config key");
}

async function secretFiles(namespace: string, wanted: SecretSource, defaultMode: number | undefined, source: ConfigSource): Promise<VolumeFiles> {
  const name = wanted.secretName ?? wanted.name ?? "";
  const found = await source.secret(namespace, name);
  if (found === undefined && wanted.optional !== true) throw new ConfigError(`secret "${name}" not found`);
  const data: Record<string, Buffer> = {};
  for (const [key, text] of Object.entries(found?.data ?? {})) data[key] = Buffer.from(text, "base64");
  return chosen(data, wanted, defaultMode, "references non-existent secret key");
}

/** All keys, or those that `items` names, under the paths and with the bits it gives. */
function chosen(data: Readonly<Record<string, Buffer>>, wanted: Pick<ConfigMapSource, "items" | "optional">, defaultMode: number | undefined, complaint: string): VolumeFiles {
  if (wanted.items === undefined || wanted.items.length === 0) return filesOf(data, defaultMode);
  const picked = filesOf({}, undefined);
  for (const { key, path, mode } of wanted.items) {
    const content = data[key];
    if (content !== undefined) putFile(picked, path, content, mode ?? defaultMode);
    else if (wanted.optional !== true) throw new ConfigError(`${complaint}: ${key}`);
  }
  return picked;
}

function downwardFiles(facts: PodFacts, items: readonly DownwardItem[], defaultMode: number | undefined): VolumeFiles {
  const files = filesOf({}, undefined);
  for (const { path, fieldRef, resourceFieldRef, mode } of items) {
    if (fieldRef !== undefined) putFile(files, path, Buffer.from(metadataText(facts, fieldRef.fieldPath), "utf8"), mode ?? defaultMode);
    else if (resourceFieldRef !== undefined) {
      const text = resourceText(facts, findContainer(facts, resourceFieldRef.containerName ?? ""), resourceFieldRef);
      putFile(files, path, Buffer.from(text, "utf8"), mode ?? defaultMode);
    }
  }
  return files;
}
