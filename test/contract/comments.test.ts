import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, type EnumDescriptorProto, type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { projectDirectory } from "../../src/base/project-files.js";

/** One thing of a contract that a stranger reads about. */
interface Element {
  readonly kind: "message" | "field" | "oneof" | "enum" | "value" | "service" | "method";
  /** `spheresim.vim.v1.TaskInfo.progress`. */
  readonly name: string;
  readonly comment: string;
}

/** Everything in a file with the comment above it. Numbers in paths are those of descriptor.proto: message 4, enum 5, service 6. */
function elementsOf(file: FileDescriptorProto): Element[] {
  const comments = new Map(file.sourceCodeInfo?.location.map((each) => [each.path.join("."), `${each.leadingComments ?? ""}${each.trailingComments ?? ""}`.trim()]));
  const found: Element[] = [];
  const see = (kind: Element["kind"], name: string, path: string): void => void found.push({ kind, name, comment: comments.get(path) ?? "" });
  const seeEnum = (type: EnumDescriptorProto, name: string, path: string): void => {
    see("enum", name, path);
    type.value.forEach((value, index) => see("value", `${name}.${value.name}`, `${path}.2.${index}`));
  };
  const seeMessage = (type: DescriptorProto, name: string, path: string): void => {
    if (type.options?.mapEntry === true) return;
    see("message", name, path);
    type.field.forEach((field, index) => see("field", `${name}.${field.name}`, `${path}.2.${index}`));
    type.oneofDecl.forEach((oneof, index) => {
      const isOptional = type.field.some((field) => field.proto3Optional && field.oneofIndex === index);
      if (!isOptional) see("oneof", `${name}.${oneof.name}`, `${path}.8.${index}`);
    });
    type.nestedType.forEach((inner, index) => seeMessage(inner, `${name}.${inner.name}`, `${path}.3.${index}`));
    type.enumType.forEach((inner, index) => seeEnum(inner, `${name}.${inner.name}`, `${path}.4.${index}`));
  };
  const inPackage = (name: string): string => `${file.package}.${name}`;
  file.messageType.forEach((type, index) => seeMessage(type, inPackage(type.name), `4.${index}`));
  file.enumType.forEach((type, index) => seeEnum(type, inPackage(type.name), `5.${index}`));
  file.service.forEach((service, index) => {
    see("service", inPackage(service.name), `6.${index}`);
    service.method.forEach((method, at) => see("method", `${inPackage(service.name)}/${method.name}`, `6.${index}.2.${at}`));
  });
  return found;
}

const image = fromBinary(FileDescriptorSetSchema, readFileSync(join(projectDirectory, "src", "gen", "image.binpb")));
const elements = image.file.filter((file) => !file.name.startsWith("google/protobuf/")).flatMap(elementsOf);
const ours = elements.filter((element) => element.name.startsWith("spheresim."));

const without = (of: readonly Element[], rule: (element: Element) => boolean): string[] => of.filter((element) => !rule(element)).map((element) => `${element.kind} ${element.name}: ${element.comment}`);

test("the check sees the contracts", () => {
  assert.ok(ours.length > 900, `${ours.length} elements`);
  assert.ok(elements.some((element) => element.name === "etcdserverpb.RangeRequest.range_end"));
});

test("every service, method, message, field and value of every contract is described", () => {
  assert.deepEqual(without(elements, ({ comment }) => comment.length > 3), []);
});

test("every method says its errors, or that it has none of its own", () => {
  const methods = ours.filter(({ kind }) => kind === "method");
  assert.deepEqual(without(methods, ({ comment }) => /Errors:\s|No errors (?:of its own|but the service's)/.test(comment)), []);
});

test("every shared type names its vim25 type, or says that it is ours", () => {
  const types = ours.filter(({ kind, name }) => name.startsWith("spheresim.vim.v1.") && (kind === "message" || kind === "enum"));
  assert.deepEqual(without(types, ({ comment }) => /vim25 types?:|Ours/.test(comment)), []);
});

/** What the comment of a field must say whose name ends with a unit. */
const UNITS: Readonly<Record<string, RegExp>> = { mhz: /MHz/, mb: /\bMB\b/, kb: /KiB/, bytes: /[Bb]ytes/, milli: /thousandths/ };

test("every field named after a unit says it", () => {
  const united = ours.filter(({ kind, name }) => kind === "field" && unitOf(name) !== undefined);
  assert.ok(united.length > 30, `${united.length} fields`);
  assert.deepEqual(without(united, ({ name, comment }) => unitOf(name)?.test(comment) === true), []);
});

function unitOf(name: string): RegExp | undefined {
  return UNITS[/_([a-z]+)$/.exec(name)?.[1] ?? ""];
}
