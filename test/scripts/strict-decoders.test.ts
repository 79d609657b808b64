import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createFileRegistry, type DescField, type DescMessage, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { MessageError } from "../../src/base/message-reader.js";
import { readContractsImage } from "../../src/rpc/contracts-image.js";

type Step = (source: string, readerPath: string, file: string) => string;
const { strictDecoders } = (await import(new URL("../../../scripts/strict-decoders.mjs", import.meta.url).href)) as { readonly strictDecoders: Step };

/** A file as ts-proto 2.18 writes it, as far as it decodes: a text, an entry of a map, numbers and a case of a oneof. */
const WRITTEN = `import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

export const Note: MessageFns<Note> = {
  decode(input: BinaryReader | Uint8Array, length?: number): Note {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNote();
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.firstText = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            const entry2 = Note_LabelsEntry.decode(reader, reader.uint32());
            if (entry2.value !== undefined) {
              message.labels[entry2.key] = entry2.value;
            }
            continue;
          }
          case 3: {
            if (tag === 24) {
              message.counts.push(reader.uint32());

              continue;
            }

            if (tag === 26) {
              const end2 = reader.uint32() + reader.pos;
              while (reader.pos < end2) {
                message.counts.push(reader.uint32());
              }

              continue;
            }

            break;
          }
          case 4: {
            if (tag !== 34) {
              break;
            }

            message.choice = { $case: "reply", value: Note.decode(reader, reader.uint32()) };
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

export interface MessageFns<T> {
  decode(input: BinaryReader | Uint8Array, length?: number): T;
}
`;

test("a decoder reads strictly, and the names in its errors are Go's", () => {
  const strict = strictDecoders(WRITTEN, "../../base/message-reader.js", "note.ts");
  assert.match(strict, /^import \{ BinaryWriter \} from "@bufbuild\/protobuf\/wire";\nimport \{ MessageReader \} from "\.\.\/\.\.\/base\/message-reader\.js";\n/);
  assert.deepEqual([...strict.matchAll(/throw (.*);/g)].map(([, thrown]) => thrown), ["FirstText", "Labels", "Counts", "Reply"].map((name) => `reader.wrongType(tag, "${name}")`));
  assert.match(strict, /const tag = reader\.tag\("Note"\);/);
  assert.deepEqual([strict.match(/reader\.size\(\)/g)?.length, strict.match(/reader\.uint32\(\)/g)?.length], [3, 2]);
  assert.doesNotMatch(strict, /BinaryReader|break;|tag === 0|__tsProto/);
  assert.match(strict, /decode\(input: MessageReader \| Uint8Array, length\?: number\): T;/);
});

test("a file without decoders stays as it is", () => {
  assert.equal(strictDecoders("export const a = 1;\n", "r", "a.ts"), "export const a = 1;\n");
});

test("a decoder that is written in another way fails the generation, by name", () => {
  for (const [known, other] of [
    ["(tag & 7) === 4 || tag === 0", "(tag & 7) === 4"],
    ["if (tag !== 18) {", "if (tag === 19) {"],
    ["const tag = reader.uint32();", "const tag = reader.tag();"],
    ["length === undefined ? reader.len", "length == null ? reader.len"],
    ["const end2 = reader.uint32() + reader.pos;", "const end2 = reader.pos + reader.uint32();"],
    ["input: BinaryReader | Uint8Array, length?: number): Note", "input: BinaryReader | Uint8Array, length = 0): Note"],
    ["message.firstText = ", "firstText = "],
    ["reader.string();", "new BinaryReader(reader.bytes()).string();"],
  ] as const) {
    assert.ok(WRITTEN.includes(known), known);
    assert.throws(() => strictDecoders(WRITTEN.replace(known, other), "r", "note.ts"), /^Error: cannot make the decoders strict in note\.ts/, other);
  }
});

interface Codec {
  decode(bytes: Uint8Array): unknown;
}

const generated = fileURLToPath(new URL("../../src/gen/", import.meta.url));

/** Every generated decoder, by the full name of its message. */
async function codecs(): Promise<Map<string, Codec>> {
  const found = new Map<string, Codec>();
  for (const file of readdirSync(generated, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"))) {
    const module = (await import(join(generated, file))) as Readonly<Record<string, unknown>>;
    for (const [name, value] of Object.entries(module)) if (typeof value === "object" && value !== null && "decode" in value) found.set(`${String(module["protobufPackage"])}.${name}`, value as Codec);
  }
  return found;
}

/** The wire types a field may have. */
function wireTypes(field: DescField): number[] {
  const scalar = field.fieldKind === "list" ? (field.listKind === "scalar" ? field.scalar : field.listKind === "enum" ? ScalarType.INT32 : undefined) : field.fieldKind === "scalar" ? field.scalar : field.fieldKind === "enum" ? ScalarType.INT32 : undefined;
  if (scalar === undefined || scalar === ScalarType.STRING || scalar === ScalarType.BYTES) return [2];
  const own = scalar === ScalarType.DOUBLE ? 1 : 0;
  return field.fieldKind === "list" ? [own, 2] : [own];
}

function* messagesOf(messages: readonly DescMessage[]): Generator<DescMessage> {
  for (const message of messages) {
    yield message;
    yield* messagesOf(message.nestedMessages);
  }
}

test("every decoder of the contracts refuses field 0, the end of a group and each of its fields with another wire type", async () => {
  const decoders = await codecs();
  let fields = 0;
  for (const file of createFileRegistry(fromBinary(FileDescriptorSetSchema, readContractsImage())).files) {
    for (const message of messagesOf(file.messages)) {
      const packageName = file.proto.package;
      const codec = decoders.get(`${packageName}.${message.typeName.slice(packageName.length + 1).replaceAll(".", "_")}`);
      // Those of descriptor.proto are in the image and not generated.
      if (codec === undefined && packageName === "google.protobuf") continue;
      assert.ok(codec !== undefined, `${message.typeName} has no decoder`);
      for (const bytes of [[0x00], [0x02, 0x00], [0x0c]]) assert.throws(() => codec.decode(Uint8Array.from(bytes)), MessageError, message.typeName);
      assert.doesNotThrow(() => codec.decode(new BinaryWriter().tag(100_000, WireType.Varint).int32(1).finish()), message.typeName);
      for (const field of message.fields) {
        const allowed = wireTypes(field);
        for (const wireType of [0, 1, 2, 3, 5]) {
          // Zeros are a value of each wire type, and an end of none.
          const bytes = Buffer.concat([new BinaryWriter().uint32(((field.number << 3) | wireType) >>> 0).finish(), Buffer.alloc(wireType === 1 ? 8 : wireType === 5 ? 4 : 1)]);
          if (allowed.includes(wireType)) assert.doesNotThrow(() => codec.decode(bytes), `${message.typeName}.${field.name}`);
          else assert.throws(() => codec.decode(bytes), (error) => error instanceof MessageError && error.message.startsWith(`proto: wrong wireType = ${wireType} for field `), `${message.typeName}.${field.name} ${wireType}`);
        }
        fields += 1;
      }
    }
  }
  assert.ok(fields > 900, `${fields} fields`);
});
