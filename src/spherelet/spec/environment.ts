import type { Container, EnvVar } from "../../kubernetes/container.js";
import { ConfigError } from "./config-error.js";
import type { ConfigSource } from "./config-source.js";
import { expand } from "./expansion.js";
import type { PodFacts } from "./field-ref.js";
import { fieldText, resourceText } from "./field-ref.js";
import { serviceEnvironment } from "./service-environment.js";

/**
 * The environment of a container, every reference resolved: services first, then `envFrom`, then `env` in order, where a later one
 * wins and may name earlier ones as `$(NAME)`. Throws ConfigError naming what is missing.
 */
export async function resolveEnvironment(facts: PodFacts, container: Container, source: ConfigSource): Promise<ReadonlyMap<string, string>> {
  const namespace = facts.pod.metadata.namespace ?? "";
  const services = serviceEnvironment(source.services(namespace), namespace, facts.pod.spec.enableServiceLinks ?? true);
  const variables = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? "";
    if (from.configMapRef !== undefined) {
      const { name, optional = false } = from.configMapRef;
      const found = await source.configMap(namespace, name);
      if (found === undefined && !optional) throw new ConfigError(`configmap "${name}" not found`);
      for (const [key, value] of Object.entries(found?.data ?? {})) variables.set(`${prefix}${key}`, value);
    }
    if (from.secretRef !== undefined) {
      const { name, optional = false } = from.secretRef;
      const found = await source.secret(namespace, name);
      if (found === undefined && !optional) throw new ConfigError(`secret "${name}" not found`);
      for (const [key, value] of Object.entries(found?.data ?? {})) variables.set(`${prefix}${key}`, Buffer.from(value, "base64").toString("utf8"));
    }
  }
  const valueOf = (name: string): string | undefined => variables.get(name) ?? services.get(name);
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom === undefined ? expand(variable.value ?? "", valueOf) : await referred(facts, container, variable.valueFrom, source);
    if (value !== undefined) variables.set(variable.name, value);
  }
  return new Map([...services, ...variables]);
}

/** The value of a `valueFrom`; undefined for an optional reference to nothing. */
async function referred(facts: PodFacts, container: Container, from: NonNullable<EnvVar["valueFrom"]>, source: ConfigSource): Promise<string | undefined> {
  const namespace = facts.pod.metadata.namespace ?? "";
  if (from.fieldRef !== undefined) return fieldText(facts, from.fieldRef.fieldPath);
  if (from.resourceFieldRef !== undefined) {
    const { containerName } = from.resourceFieldRef;
    const named = containerName === undefined || containerName === "" ? container : findContainer(facts, containerName);
    return resourceText(facts, named, from.resourceFieldRef);
  }
  if (from.configMapKeyRef !== undefined) {
    const { name, key, optional = false } = from.configMapKeyRef;
    const found = await source.configMap(namespace, name);
    if (found === undefined && !optional) throw new ConfigError(`configmap "${name}" not found`);
    const value = found?.data?.[key];
    if (value === undefined && !optional) throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (from.secretKeyRef !== undefined) {
    const { name, key, optional = false } = from.secretKeyRef;
    const found = await source.secret(namespace, name);
    if (found === undefined && !optional) throw new ConfigError(`secret "${name}" not found`);
    const value = found?.data?.[key];
    if (value === undefined && !optional) throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
  }
  throw new ConfigError(`unsupported valueFrom: ${Object.keys(from).join(", ")}`);
}

/** A container of the pod by name. */
export function findContainer(facts: PodFacts, name: string): Container {
  const { containers, initContainers = [] } = facts.pod.spec;
  const found = [...containers, ...initContainers].find((container) => container.name === name);
  if (found === undefined) throw new ConfigError(`container ${name} not found`);
  return found;
}
