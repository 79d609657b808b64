import { createHash } from "node:crypto";

/** An image as a registry knows it. */
export interface ImageReference {
  /** `docker.io`, `registry.example.com:5000`. */
  readonly domain: string;
  /** `library/nginx`. */
  readonly path: string;
  readonly tag?: string;
  /** `sha256:...`. */
  readonly digest?: string;
}

const DOMAIN = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::\d+)?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const MAX_NAME_CHARS = 255;

/**
 * Reads an image reference by the grammar of the distribution project; undefined where a node agent would say
 * InvalidImageName.
 *
 * Example: `nginx` is docker.io, library/nginx, tag latest; `localhost:5000/a/b@sha256:...` keeps its port and has no tag;
 * `<your-private-image>` and `Nginx` are none.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  const [rest = "", digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) return undefined;
  const slash = rest.lastIndexOf("/");
  const colon = rest.indexOf(":", slash + 1);
  const name = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain) || path === "" || !path.split("/").every((part) => PATH_PART.test(part))) return undefined;
  if (domain.length + path.length + 1 > MAX_NAME_CHARS) return undefined;
  if (digest !== undefined) return { domain, path, digest, ...(tag === undefined ? {} : { tag }) };
  return { domain, path, tag: tag ?? "latest" };
}

/** The first part is a domain when it looks like one: a dot, a port or `localhost`. */
function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (first === "localhost" || first.includes(".") || first.includes(":")) return { domain: first, path: name.slice(slash + 1) };
  return { domain: "docker.io", path: slash < 0 ? `library/${name}` : name };
}

/** The whole reference: `docker.io/library/nginx:latest`. */
export function canonicalName(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  return `${reference.domain}/${reference.path}${tag}${reference.digest === undefined ? "" : `@${reference.digest}`}`;
}

/**
 * Name of the Image object: `<repo>-<40 hex>-v<N>`, as a Supervisor names it. The digits are made from the whole reference,
 * so the same image has the same name in every namespace; N would grow if a tag were resolved anew, which never happens
 * here. `owner` makes it the name of one owner's alone.
 */
export function imageObjectName(reference: ImageReference, owner = ""): string {
  const repo = reference.path.slice(reference.path.lastIndexOf("/") + 1).replaceAll(/[^a-z0-9-]+/g, "-");
  const hex = createHash("sha1").update(`${canonicalName(reference)}${owner}`).digest("hex");
  return `${repo.slice(0, 180)}-${hex}-v1`;
}

/** What resolving would find: the ChainID of the layers. No registry is asked; the reference stands for its content. */
export function chainIdOf(reference: ImageReference): string {
  return `sha256:${createHash("sha256").update(canonicalName(reference)).digest("hex")}`;
}

/** The disk that holds the layers, shared by every image of that chain. */
export function imageDiskOf(chainId: string): string {
  return `${chainId.slice("sha256:".length)}-v0`;
}
