import { Quantity } from "../../base/quantity.js";
import type { VolumeSpec } from "../../gen/spheresim/crx/v1/agent.js";
import type { ConfigMap, Secret } from "../../kubernetes/cluster-objects.js";
import type { ConfigMapSource, DownwardItem, SecretSource, Volume } from "../../kubernetes/pod.js";
import { volumeSource } from "../../kubernetes/pod.js";
import { hostPathRule, mayMountHostPath } from "../../kubernetes/unsupported-fields.js";
import { allContainers } from "../../kubernetes/vsphere-pod.js";
import { ConfigError, MountError } from "./config-error.js";
import type { ConfigSource } from "./config-source.js";
import { findContainer } from "./environment.js";
import type { PodFacts } from "./field-ref.js";
import { fieldText, resourceText } from "./field-ref.js";

type FileData = Record<string, Buffer>;

/** The pod's volumes as the agent takes them. Throws MountError for the first one that cannot be made. */
export async function resolveVolumes(facts: PodFacts, source: ConfigSource): Promise<VolumeSpec[]> {
  const volumes: VolumeSpec[] = [];
  for (const volume of facts.pod.spec.volumes ?? []) volumes.push(await resolveVolume(facts, volume, source));
  return volumes;
}

async function resolveVolume(facts: PodFacts, volume: Volume, source: ConfigSource): Promise<VolumeSpec> {
  const namespace = facts.pod.metadata.namespace ?? "";
  const { name } = volume;
  const files = (data: FileData): VolumeSpec => ({ name, source: { $case: "files", value: { data } } });
  try {
    switch (volumeSource(volume)) {
      case "emptyDir": {
        const { sizeLimit } = volume.emptyDir ?? {};
        return { name, source: { $case: "emptyDir", value: { sizeLimitBytes: Quantity.parseOrZero(sizeLimit).value() } } };
      }
      case "configMap":
        return files(await configMapFiles(namespace, volume.configMap ?? {}, source));
      case "secret":
        return files(await secretFiles(namespace, volume.secret ?? {}, source));
      case "downwardAPI":
        return files(downwardFiles(facts, volume.downwardAPI?.items ?? []));
      case "projected":
        return files(await projectedFiles(facts, volume, source));
      case "hostPath":
        if (!mayMountHostPath(volume, allContainers(facts.pod))) throw new MountError(name, hostPathRule, { lasting: true });
        // No program writes logs here.
        return files({});
      default:
        throw new MountError(name, `volume kind ${volumeSource(volume)} is not supported by vSphere Pods here`, { lasting: true });
    }
  } catch (error) {
    if (error instanceof ConfigError && !(error instanceof MountError)) throw new MountError(name, error.message, { lasting: false });
    throw error;
  }
}

async function projectedFiles(facts: PodFacts, volume: Volume, source: ConfigSource): Promise<FileData> {
  const namespace = facts.pod.metadata.namespace ?? "";
  const data: FileData = {};
  for (const part of volume.projected?.sources ?? []) {
    if (part.configMap !== undefined) Object.assign(data, await configMapFiles(namespace, part.configMap, source));
    else if (part.secret !== undefined) Object.assign(data, await secretFiles(namespace, part.secret, source));
    else if (part.downwardAPI !== undefined) Object.assign(data, downwardFiles(facts, part.downwardAPI.items ?? []));
    else throw new MountError(volume.name, `projected source ${Object.keys(part).join(", ")} is not supported by vSphere Pods here`, { lasting: true });
  }
  return data;
}

async function configMapFiles(namespace: string, wanted: ConfigMapSource, source: ConfigSource): Promise<FileData> {
  const name = wanted.name ?? "";
  const found: ConfigMap | undefined = await source.configMap(namespace, name);
  if (found === undefined && wanted.optional !== true) throw new ConfigError(`configmap "${name}" not found`);
  const data: FileData = {};
  for (const [key, text] of Object.entries(found?.data ?? {})) data[key] = Buffer.from(text, "utf8");
  for (const [key, text] of Object.entries(found?.binaryData ?? {})) data[key] = Buffer.from(text, "base64");
  return chosen(data, wanted);
}

async function secretFiles(namespace: string, wanted: SecretSource, source: ConfigSource): Promise<FileData> {
  const name = wanted.secretName ?? wanted.name ?? "";
  const found: Secret | undefined = await source.secret(namespace, name);
  if (found === undefined && wanted.optional !== true) throw new ConfigError(`secret "${name}" not found`);
  const data: FileData = {};
  for (const [key, text] of Object.entries(found?.data ?? {})) data[key] = Buffer.from(text, "base64");
  return chosen(data, wanted);
}

/** All keys, or those that `items` names, under the paths it gives. */
function chosen(data: FileData, wanted: Pick<ConfigMapSource, "items" | "optional">): FileData {
  if (wanted.items === undefined) return data;
  const picked: FileData = {};
  for (const { key, path } of wanted.items) {
    const content = data[key];
    if (content !== undefined) picked[path] = content;
    else if (wanted.optional !== true) throw new ConfigError(`references non-existent config key: ${key}`);
  }
  return picked;
}

function downwardFiles(facts: PodFacts, items: readonly DownwardItem[]): FileData {
  const data: FileData = {};
  for (const { path, fieldRef, resourceFieldRef } of items) {
    if (fieldRef !== undefined) data[path] = Buffer.from(fieldText(facts, fieldRef.fieldPath), "utf8");
    else if (resourceFieldRef !== undefined) {
      data[path] = Buffer.from(resourceText(facts, findContainer(facts, resourceFieldRef.containerName ?? ""), resourceFieldRef), "utf8");
    }
  }
  return data;
}
