// Makes the decoders that ts-proto wrote as strict as etcd's: they end silently at a tag 0, skip a known field of a wrong wire type, and read
// a message within another beyond its end. Each is changed to read through src/base/message-reader.ts, which refuses all that. The
// texts that ts-proto writes are looked for word by word: where one is not found, as in a new version of ts-proto, generating fails.

const DECODER = /^  decode\(input: BinaryReader \| Uint8Array, length\?: number\): (\w+) \{\n([^]*?)^  \},$/gm;
const HEAD = [
  "    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);",
  "    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;",
  "    if (previousRecursionDepth >= 100) {",
  '      throw new globalThis.Error("protobuf decode recursion limit exceeded");',
  "    }",
  "    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;",
  "    try {",
  "      const end = length === undefined ? reader.len : reader.pos + length;",
].join("\n");
const TAG = "        const tag = reader.uint32();";
const UNKNOWN = ["        if ((tag & 7) === 4 || tag === 0) {", "          break;", "        }", "        reader.skip(tag & 7);"].join("\n");
const TAIL = ["      return message;", "    } finally {", "      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;", "    }"].join("\n");
/** A field's case, up to the bracket that closes it. */
const FIELD = /^ {10}case \d+: \{\n([^]*?)^ {10}\}$/gm;
/** How the case of a field is left for the skipping of unknown ones: its tag is another one, or none of its two. */
const OTHER_TYPE = /^( {12}(?:if \(tag !== \d+\) \{\n {14})?)break;$/m;
/** The length of a message within this one, of an entry of a map, or of numbers in one piece. */
const LENGTHS = [
  [/\.decode\(reader, reader\.uint32\(\)\)/g, ".decode(reader, reader.size())"],
  [/^( +const end2 = )reader\.uint32\(\) \+ reader\.pos;$/gm, "$1reader.size() + reader.pos;"],
];
const IMPORT = 'import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";';

/**
 * The source of a generated file with strict decoders; `readerPath` is where it finds message-reader.js, `file` names it in errors. A file
 * without decoders stays as it is.
 */
export function strictDecoders(source, readerPath, file) {
  const count = source.match(/^  decode\(.*\{$/gm)?.length ?? 0;
  if (count === 0) return source;
  let done = 0;
  const strict = swap(source, IMPORT, `import { BinaryWriter } from "@bufbuild/protobuf/wire";\nimport { MessageReader } from "${readerPath}";`, file)
    .replace(DECODER, (_, message, body) => {
      done += 1;
      return `  decode(input: MessageReader | Uint8Array, length?: number): ${message} {\n${strictBody(body, message, `${file}, ${message}`)}  },`;
    })
    .replaceAll("decode(input: BinaryReader | Uint8Array, length?: number): T;", "decode(input: MessageReader | Uint8Array, length?: number): T;");
  if (done !== count || strict.includes("BinaryReader")) fail(file, `${done} of ${count} decoders were found`);
  return strict;
}

function strictBody(body, message, where) {
  let strict = swap(body, HEAD, "    const reader = input instanceof MessageReader ? input : new MessageReader(input);\n      const outerEnd = reader.enter(length);\n      const end = reader.end;", where);
  strict = swap(strict, TAG, `        const tag = reader.tag("${message}");`, where);
  strict = swap(strict, UNKNOWN, "        reader.skip(tag & 7);", where);
  strict = swap(strict, TAIL, "      reader.leave(outerEnd);\n      return message;", where);
  strict = strict.replace(FIELD, (field, text) => {
    if (!OTHER_TYPE.test(field)) fail(where, `a field's check of its wire type was not found in:\n${text}`);
    return field.replace(OTHER_TYPE, `$1throw reader.wrongType(tag, "${goName(text, where)}");`);
  });
  for (const [length, strictLength] of LENGTHS) strict = strict.replace(length, strictLength);
  if (/\bbreak;|reader\.len|reader\.uint32\(\) \+|reader\.pos \+/.test(strict)) fail(where, "a part of the decoder was not found");
  return strict;
}

/** The name by which etcd's errors call the field that is set here: Go's. */
function goName(text, where) {
  const name = /\$case: "(\w+)"/.exec(text)?.[1] ?? /\bmessage\.(\w+)/.exec(text)?.[1];
  if (name === undefined) fail(where, `no field is set in:\n${text}`);
  return name[0].toUpperCase() + name.slice(1);
}

function swap(text, old, now, where) {
  if (text.split(old).length !== 2) fail(where, `not found, or not once:\n${old}`);
  return text.replace(old, () => now);
}

function fail(where, what) {
  throw new Error(`cannot make the decoders strict in ${where}: ${what}`);
}
