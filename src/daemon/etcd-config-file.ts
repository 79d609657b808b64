import { etcdFlags } from "./etcd-flags.js";
import { readYamlFile } from "./yaml-file.js";

/** Sections of the file, and the flag each of their keys is. */
const SECTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "client-transport-security": {
    "cert-file": "cert-file",
    "key-file": "key-file",
    "client-cert-file": "client-cert-file",
    "client-key-file": "client-key-file",
    "client-cert-auth": "client-cert-auth",
    "trusted-ca-file": "trusted-ca-file",
    "auto-tls": "auto-tls",
    "allowed-hostname": "client-cert-allowed-hostname",
  },
  "peer-transport-security": {
    "cert-file": "peer-cert-file",
    "key-file": "peer-key-file",
    "client-cert-file": "peer-client-cert-file",
    "client-key-file": "peer-client-key-file",
    "client-cert-auth": "peer-client-cert-auth",
    "trusted-ca-file": "peer-trusted-ca-file",
    "auto-tls": "peer-auto-tls",
    "allowed-cn": "peer-cert-allowed-cn",
    "allowed-hostname": "peer-cert-allowed-hostname",
  },
  "socket-options": { "reuse-port": "socket-reuse-port", "reuse-address": "socket-reuse-address" },
};
/** Keys that etcd obeys and that are no flag of it: passing over them would let in whom they shut out. */
const REFUSED: ReadonlySet<string> = new Set(["client-transport-security.allowed-cn"]);
/** Keys that are named otherwise than their flags. */
const RENAMED: Readonly<Record<string, string>> = { "experimental-snapshot-catch-up-entries": "experimental-snapshot-catchup-entries" };
/** Keys that are lists in the file. */
const LISTS: ReadonlySet<string> = new Set(["cipher-suites", "log-outputs", "client-cert-allowed-hostname", "peer-cert-allowed-cn", "peer-cert-allowed-hostname"]);

/**
 * Reads etcd's configuration file: the names of the flags in YAML, those of certificates in two sections. Keys without a value say nothing.
 * Durations are numbers of nanoseconds. `check` judges a value as that of its flag and returns it as it is kept, or throws. Keys that
 * etcd does not know come as they are: etcd passes over them. Throws UserError with file, line and key.
 *
 * Example: `client-transport-security: {cert-file: a.pem}` gives `cert-file` the value `a.pem`.
 */
export function readEtcdConfigFile(path: string, check: (flag: string, value: string) => string): Map<string, string> {
  const file = readYamlFile(path, "etcd: --config-file", "");
  const values = new Map<string, string>();
  const take = (key: readonly string[], flag: string, value: unknown): void => {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return;
    if (REFUSED.has(flag)) return file.refuse(key, "is not supported here; name host names in allowed-hostname instead");
    const text = textOf(flag, value);
    if (typeof text !== "string") return file.refuse(key, text.expected);
    // An empty text is what etcd has where nothing is given; of tokens it means none.
    if (text === "" && flag !== "auth-token") return;
    try {
      values.set(flag, etcdFlags.has(flag) ? check(flag, text) : text);
    } catch (error) {
      file.refuse(key, (error as Error).message.replace(/^etcd: /, ""));
    }
  };
  const { content } = file;
  if (content === null || content === undefined) return values;
  if (!isMapping(content)) return file.refuse([], "must be a mapping of keys");
  for (const [key, value] of Object.entries(content)) {
    const section = SECTIONS[key];
    if (section === undefined) take([key], RENAMED[key] ?? key, value);
    else if (isMapping(value)) for (const [inner, each] of Object.entries(value)) take([key, inner], section[inner] ?? `${key}.${inner}`, each);
    else if (value !== null) return file.refuse([key], "must be a mapping of keys");
  }
  return values;
}

/** A value as its flag would have it, or what should stand there. */
function textOf(flag: string, value: unknown): string | { readonly expected: string } {
  const kind = etcdFlags.get(flag)?.kind;
  if (kind === undefined) return JSON.stringify(value);
  if (LISTS.has(flag)) return Array.isArray(value) && value.every((each) => typeof each === "string") ? value.join(",") : { expected: "must be a list of texts" };
  switch (kind) {
    case "switch":
      return typeof value === "boolean" ? String(value) : { expected: "must be true or false" };
    case "duration":
      return Number.isSafeInteger(value) && (value as number) >= 0 ? `${String(value)}ns` : { expected: "must be a whole number of nanoseconds" };
    case "count":
    case "integer":
      return Number.isSafeInteger(value) ? String(value) : { expected: "must be a whole number" };
    case "text":
      return typeof value === "string" ? value : { expected: "must be a text, in quotes where it looks like a number" };
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
