import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from "yaml";
import type { z } from "zod";
import { fileProblem, UserError } from "../base/user-error.js";

/** A path into a document: keys of mappings and indexes of lists. */
export type FieldPath = readonly PropertyKey[];

/** A YAML file that was read for a person, who is told where in it something is wrong. */
export interface YamlFile {
  readonly content: unknown;
  /** File, line and field as a person is told them. A field that is not there is looked for where it should be. */
  place(path: FieldPath): string;
  /** Throws a UserError that names the place of a field. */
  refuse(path: FieldPath, message: string): never;
}

/**
 * Reads a YAML file. `what` is what the file is to the user (`inventory`), `next` what to do when it will not do.
 *
 * Worked example: `hosts` in line 1 is a list whose first element, in line 2, has `memoryMb: 12` in line 3; then
 * `refuse(["hosts", 0, "memoryMb"], "too small")` says `inventory FILE, line 3, hosts.0.memoryMb: too small`.
 */
export function readYamlFile(path: string, what: string, next: string): YamlFile {
  const lines = new LineCounter();
  const text = readText(path, what, next);
  const document = parseDocument(text, { lineCounter: lines });
  const error = document.errors[0];
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    throw new UserError("usage", `${what} ${path}, line ${line}: ${error.message.split("\n", 1)[0]?.replace(/ at line \d+, column \d+:?$/, "")}`, next);
  }
  const place = (field: FieldPath): string => {
    const offset = offsetOf(document.contents, field);
    const line = offset === undefined ? 1 : lines.linePos(offset).line;
    return `${what} ${path}, line ${line}, ${field.map(String).join(".") || "document"}`;
  };
  return {
    content: document.toJS() as unknown,
    place,
    refuse: (field, message) => {
      throw new UserError("usage", `${place(field)}: ${message}`, next);
    },
  };
}

/**
 * What is wrong with a field, for a person who writes the file and not the schema.
 *
 * Worked example: of a number below its least `must be at least 1`; of a list that is not there `is missing`.
 */
export function problemText(issue: z.core.$ZodIssue): string {
  if (!/^(Too (big|small)|Invalid)\b/.test(issue.message)) return issue.message; // in our own words
  const things = { number: "", string: " characters", array: " items" } as Readonly<Record<string, string>>;
  switch (issue.code) {
    case "invalid_type":
      if (issue.message.endsWith("received undefined")) return "is missing";
      return `must be ${kinds[issue.expected] ?? `of type ${issue.expected}`}`;
    case "too_small":
      return `must be at least ${issue.minimum}${things[issue.origin] ?? ""}`;
    case "too_big":
      return `must be at most ${issue.maximum}${things[issue.origin] ?? ""}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message;
  }
}

const kinds: Readonly<Record<string, string>> = { int: "a whole number", number: "a number", string: "a text", boolean: "true or false", array: "a list", object: "a mapping", record: "a mapping" };

function readText(path: string, what: string, next: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError("usage", `${what} ${path}: ${fileProblem(error)}`, next);
  }
}

/** Where the field begins, or the last part of its path that is there. */
function offsetOf(root: ParsedNode | null, path: FieldPath): number | undefined {
  let node: unknown = root;
  let offset = root?.range[0];
  for (const part of path) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((each) => isScalar(each.key) && each.key.value === part);
      if (pair === undefined) break;
      offset = (pair.key as ParsedNode).range[0];
      next = pair.value;
    } else {
      next = (node as { readonly items?: readonly ParsedNode[] } | null)?.items?.[Number(part)];
      offset = (next as ParsedNode | undefined)?.range[0] ?? offset;
    }
    if (next === undefined || next === null) break;
    node = next;
  }
  return offset;
}
