import { notAcceptable } from "../errors.js";

/** How an answer is written. */
export interface Representation {
  readonly format: "json" | "yaml";
  /** Server-side transformation: a Table, or metadata alone. */
  readonly as?: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
}

const ACCEPTED = ["application/json", "application/yaml"];

interface MediaRange {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** `application/json;as=Table;v=v1;g=meta.k8s.io, application/json` as a list in the client's order. */
export function parseAccept(header: string): readonly MediaRange[] {
  return header
    .split(",")
    .map((part) => {
      const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
      return { type: type.toLowerCase(), parameters: Object.fromEntries(rest.map((pair) => pair.split("=", 2) as [string, string])) };
    })
    .filter((range) => range.type !== "");
}

function transformOf(range: MediaRange): Representation["as"] | "unknown" {
  const { as, g, v } = range.parameters;
  if (as === undefined) return undefined;
  // v1beta1 of the same group is asked for as a fallback and means the same.
  if (g !== "meta.k8s.io" || (v !== "v1" && v !== "v1beta1")) return "unknown";
  return as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList" ? as : "unknown";
}

/** Chooses the first representation the client lists that we have; protobuf answers are none of them. */
export function negotiate(accept: string | undefined): Representation {
  if (accept === "application/json") return { format: "json" };
  const ranges = parseAccept(accept ?? "");
  if (ranges.length === 0) return { format: "json" };
  for (const range of ranges) {
    const as = transformOf(range);
    if (as === "unknown") continue;
    const transform = as === undefined ? {} : { as };
    if (range.type === "*/*" || range.type === "application/*" || range.type === "application/json") return { format: "json", ...transform };
    if (range.type === "application/yaml") return { format: "yaml", ...transform };
  }
  throw notAcceptable(ACCEPTED);
}

/** Which form of discovery document the client takes: `apidiscovery.k8s.io` of a version, or the legacy list. */
export function negotiateDiscovery(accept: string | undefined): "v2" | "v2beta1" | "legacy" {
  for (const { type, parameters } of parseAccept(accept ?? "")) {
    if (type !== "application/json" && type !== "*/*") continue;
    if (parameters["as"] === undefined) return "legacy";
    if (parameters["as"] === "APIGroupDiscoveryList" && parameters["g"] === "apidiscovery.k8s.io" && (parameters["v"] === "v2" || parameters["v"] === "v2beta1")) return parameters["v"];
  }
  return "legacy";
}
