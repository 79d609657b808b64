import { coreCluster } from "./core-cluster.js";
import { coreNode } from "./core-node.js";
import { corePod, coreScalars } from "./core-pod.js";
import { corePolicy } from "./core-policy.js";
import { corePodStatus } from "./core-pod-status.js";
import { coreVolume } from "./core-volume.js";
import { apps, authentication, authorization, autoscaling, coordination, events, image, meta, policy, scheduling } from "./groups.js";

/** How one value is written: a JSON scalar, one of apimachinery's special scalars, a list, a map by string or a struct. */
export type TypeRef =
  | { readonly form: "string" | "int32" | "int64" | "bool" | "bytes" | "quantity" | "time" | "microTime" | "intOrString" | "raw" | "fieldsV1"; readonly goName: string }
  | { readonly form: "list"; readonly element: TypeRef; readonly goName: string }
  | { readonly form: "map"; readonly value: TypeRef; readonly goName: string }
  | { readonly form: "struct"; readonly struct: string; readonly goName: string };

/** One field of a struct: JSON name, protobuf number and how patches and managed fields treat it. */
export interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: TypeRef;
  /** A Go pointer: present with its zero value means set. */
  readonly pointer: boolean;
  /** Strategic merge: "" merges a list of scalars as a set, a name merges a list of structs by that key; absent replaces. */
  readonly mergeKey?: string;
  readonly retainKeys: boolean;
  /** Managed fields: keys of a list-map, [] for a set; absent is an atomic list. */
  readonly listKeys?: readonly string[];
  readonly atomic: boolean;
}

/** A Go struct of the API: its fields by JSON name (embedded structs flattened) and by protobuf number (embedded structs nested). */
export interface Struct {
  readonly key: string;
  readonly goName: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly numbers: ReadonlyMap<number, Field | { readonly embedded: string }>;
}

const SPECIAL: Readonly<Record<string, TypeRef>> = {
  string: { form: "string", goName: "string" },
  int32: { form: "int32", goName: "int32" },
  int64: { form: "int64", goName: "int64" },
  bool: { form: "bool", goName: "bool" },
  bytes: { form: "bytes", goName: "[]uint8" },
  UID: { form: "string", goName: "types.UID" },
  Quantity: { form: "quantity", goName: "resource.Quantity" },
  Time: { form: "time", goName: "v1.Time" },
  MicroTime: { form: "microTime", goName: "v1.MicroTime" },
  IntOrString: { form: "intOrString", goName: "intstr.IntOrString" },
  RawExtension: { form: "raw", goName: "runtime.RawExtension" },
  FieldsV1: { form: "fieldsV1", goName: "v1.FieldsV1" },
};

const TABLES: Readonly<Record<string, string>> = {
  meta,
  core: coreScalars + corePod + corePodStatus + coreVolume + coreNode + coreCluster + corePolicy,
  apps,
  authentication,
  authorization,
  autoscaling,
  coordination,
  events,
  image,
  policy,
  scheduling,
};

const structs = new Map<string, Struct>();
const scalars = new Map<string, TypeRef>();

/** Joins continuation lines and splits a table into lines of words. */
function lines(table: string): string[][] {
  return table
    .replaceAll(/\n +/g, " ")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" "));
}

function typeRef(group: string, text: string): TypeRef {
  if (text.startsWith("*")) return typeRef(group, text.slice(1));
  if (text.startsWith("[]")) {
    const element = typeRef(group, text.slice(2));
    return { form: "list", element, goName: `[]${element.goName}` };
  }
  if (text.startsWith("map.")) {
    const value = typeRef(group, text.slice(4));
    return { form: "map", value, goName: `map[string]${value.goName}` };
  }
  const special = SPECIAL[text];
  if (special) return special;
  const key = text.includes(".") ? text : `${group}.${text}`;
  return scalars.get(key) ?? { form: "struct", struct: key, goName: `v1.${key.slice(key.indexOf(".") + 1)}` };
}

function parseField(group: string, word: string): Field {
  const match = /^([\w.-]+):(\d+)=([*[\]\w.]+)(?:~(!?)(\w*))?(\^)?(?:@([\w,]*))?(!)?$/.exec(word);
  if (!match) throw new Error(`field table of ${group}: cannot read ${word}`);
  const [, name, number, type, retain, mergeKey, structRetain, listKeys, atomic] = match;
  return {
    name: name!,
    number: Number(number),
    type: typeRef(group, type!),
    pointer: type!.startsWith("*"),
    ...(mergeKey === undefined ? {} : { mergeKey }),
    retainKeys: retain === "!" || structRetain === "^",
    ...(listKeys === undefined ? {} : { listKeys: listKeys === "" ? [] : listKeys.split(",") }),
    atomic: atomic === "!",
  };
}

function load(): void {
  for (const [group, table] of Object.entries(TABLES)) {
    for (const [head, ...words] of lines(table)) {
      if (head !== "scalars") continue;
      for (const word of words) {
        const [name, form] = word.split("=") as [string, "string" | "int32"];
        scalars.set(`${group}.${name}`, { form, goName: `v1.${name}` });
      }
    }
  }
  const embeddings: { key: string; into: Map<string, Field>; from: string }[] = [];
  for (const [group, table] of Object.entries(TABLES)) {
    for (const [head, ...words] of lines(table)) {
      if (head === undefined || head === "scalars") continue;
      const key = `${group}.${head}`;
      const fields = new Map<string, Field>();
      const numbers = new Map<number, Field | { embedded: string }>();
      for (const word of words) {
        if (word.startsWith("...")) {
          const [name, number] = word.slice(3).split(":") as [string, string];
          numbers.set(Number(number), { embedded: `${group}.${name}` });
          embeddings.push({ key, into: fields, from: `${group}.${name}` });
          continue;
        }
        const field = parseField(group, word);
        fields.set(field.name, field);
        numbers.set(field.number, field);
      }
      structs.set(key, { key, goName: head, fields, numbers });
    }
  }
  for (const { into, from } of embeddings) for (const field of structOf(from).fields.values()) into.set(field.name, field);
}

/** The struct of a key such as `core.PodSpec`. */
export function structOf(key: string): Struct {
  const struct = structs.get(key);
  if (!struct) throw new Error(`no field table for ${key}`);
  return struct;
}

load();
