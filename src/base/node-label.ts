const MAX_PREFIX_LENGTH = 253;
const DNS_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const PREFIX = new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})*$`);
const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/**
 * What keeps a label from being one of a Kubernetes Node, in words; undefined when nothing does. A host with such a label would have no Node.
 *
 * Worked example: `topology.kubernetes.io/zone` with `a` is one; `bad key!` is no label key.
 */
export function nodeLabelProblem(key: string, value: string): string | undefined {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const isPrefix = prefix === undefined || (prefix.length <= MAX_PREFIX_LENGTH && PREFIX.test(prefix));
  if (!isPrefix || !NAME.test(key.slice(slash + 1))) return `"${key}" is no label key of Kubernetes`;
  return VALUE.test(value) ? undefined : `"${value}" is no label value of Kubernetes (of "${key}")`;
}
