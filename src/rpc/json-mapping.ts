import { createFileRegistry, type DescMethod, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readContractsImage } from "./contracts-image.js";
import { requestBytes } from "./json-reader.js";
import { messageChunks, messageText } from "./json-writer.js";
import type { Slices } from "../base/slices.js";

/** How one method's messages look in JSON (proto3 JSON with the field names of the proto files, as etcd's gateway has it). */
export interface MethodJson {
  /** The bytes of the request that a text describes; a request without text is empty. Throws JsonMappingError. */
  readonly requestBytes: (text: Buffer) => Slices<Buffer>;
  /** The text of a response's bytes. */
  readonly responseText: (bytes: Uint8Array) => string;
  /** The same in pieces, for answers that may be large. */
  readonly responseChunks: (bytes: Uint8Array) => Generator<Buffer, void>;
}

let contracts: ReturnType<typeof createFileRegistry> | undefined;
const known = new Map<string, MethodJson>();

/** The mapping of a method by its path, `/etcdserverpb.KV/Range`; it is read from the contracts, so no field is named by hand. */
export function methodJson(path: string): MethodJson {
  const found = known.get(path);
  if (found !== undefined) return found;
  // Reading all contracts takes a moment, which a server spends when it is first asked.
  contracts ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, withoutComments(readContractsImage())));
  const [, service = "", name = ""] = path.split("/");
  const method = contracts.getService(service)?.methods.find((each: DescMethod) => each.name === name);
  if (method === undefined) throw new Error(`${path} is no method of the contracts`);
  const made: MethodJson = { requestBytes: (text) => requestBytes(method.input, text), responseText: (bytes) => messageText(method.output, bytes), responseChunks: (bytes) => messageChunks(method.output, bytes) };
  known.set(path, made);
  return made;
}

/** Numbers of FileDescriptorSet.file and FileDescriptorProto.source_code_info. */
const FILE = 1;
const SOURCE_CODE_INFO = 9;

/** The image without what its files say in comments, which is most of it. */
function withoutComments(image: Uint8Array): Uint8Array {
  const set = new BinaryWriter();
  const files = new BinaryReader(image);
  while (files.pos < files.len) {
    files.tag();
    set.tag(FILE, WireType.LengthDelimited).bytes(withoutField(files.bytes(), SOURCE_CODE_INFO));
  }
  return set.finish();
}

function withoutField(message: Uint8Array, dropped: number): Uint8Array {
  const kept: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    reader.skip(wireType);
    if (number !== dropped) kept.push(message.subarray(start, reader.pos));
  }
  return Buffer.concat(kept);
}
