import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import type { TlsMaterial } from "./http2-session.js";

/** What the current context of a kubeconfig says about reaching its cluster. */
export interface KubeconfigTarget {
  readonly server: string;
  readonly tls: TlsMaterial;
  readonly token?: string;
  readonly context: string;
  readonly namespace: string;
}

/** A kubeconfig that cannot be used; the message names file and field. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context?: { readonly cluster?: string; readonly user?: string; readonly namespace?: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster?: Readonly<Record<string, string | boolean>> }[];
  readonly users?: readonly { readonly name: string; readonly user?: Readonly<Record<string, unknown>> }[];
}

/** Reads a kubeconfig file. Files it names are relative to its directory, as kubectl has it. */
export function loadKubeconfig(path: string, context?: string): KubeconfigTarget {
  return parseKubeconfig(readFileSync(path, "utf8"), {
    file: path,
    readFile: (name) => readFileSync(resolve(dirname(path), name), "utf8"),
    ...(context === undefined ? {} : { context }),
  });
}

/** Reads the text of a kubeconfig. Certificates, keys and tokens may be inline (base64) or in files; exec plug-ins are refused. */
export function parseKubeconfig(
  text: string,
  options: { readonly file?: string; readonly context?: string; readonly readFile?: (name: string) => string } = {},
): KubeconfigTarget {
  const file = options.file ?? "kubeconfig";
  const config = parse(text) as Kubeconfig | null;
  const contextName = options.context ?? config?.["current-context"];
  if (contextName === undefined || contextName === "") throw new KubeconfigError(`${file}: current-context is not set`);
  const context = config?.contexts?.find((entry) => entry.name === contextName)?.context;
  if (context === undefined) throw new KubeconfigError(`${file}: contexts has no entry named ${contextName}`);
  const cluster = config?.clusters?.find((entry) => entry.name === context.cluster)?.cluster;
  if (cluster === undefined) throw new KubeconfigError(`${file}: clusters has no entry named ${context.cluster ?? "(none)"}`);
  const user = config?.users?.find((entry) => entry.name === context.user)?.user ?? {};
  if (typeof cluster["server"] !== "string") throw new KubeconfigError(`${file}: cluster ${context.cluster} has no server`);
  for (const unsupported of ["exec", "auth-provider", "username"]) {
    if (user[unsupported] !== undefined) throw new KubeconfigError(`${file}: user ${context.user} asks for ${unsupported}, which is not supported; use a client certificate or a token`);
  }

  const readFile = (name: string): string => {
    if (options.readFile === undefined) throw new KubeconfigError(`${file}: names the file ${name}, which cannot be read here`);
    return options.readFile(name);
  };
  const pem = (entry: Readonly<Record<string, unknown>>, field: string): string | undefined => {
    const data = entry[`${field}-data`];
    if (typeof data === "string" && data !== "") return Buffer.from(data, "base64").toString("utf8");
    const name = entry[field];
    return typeof name === "string" && name !== "" ? readFile(name) : undefined;
  };
  const ca = pem(cluster, "certificate-authority");
  const cert = pem(user, "client-certificate");
  const key = pem(user, "client-key");
  const tokenFile = user["tokenFile"];
  const token = typeof user["token"] === "string" ? user["token"] : typeof tokenFile === "string" ? readFile(tokenFile).trim() : undefined;
  const serverName = cluster["tls-server-name"];
  return {
    server: cluster["server"],
    context: contextName,
    namespace: context.namespace ?? "default",
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(typeof serverName === "string" ? { serverName } : {}),
      ...(cluster["insecure-skip-tls-verify"] === true ? { insecureSkipVerify: true } : {}),
    },
    ...(token === undefined ? {} : { token }),
  };
}
