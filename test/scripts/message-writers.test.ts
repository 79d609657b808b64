import assert from "node:assert/strict";
import { test } from "node:test";

type Step = (source: string, writerPath: string, file: string) => string;
const { messageWriters } = (await import(new URL("../../../scripts/message-writers.mjs", import.meta.url).href)) as { readonly messageWriters: Step };

/** Files as they are once their decoders are strict: messages, and a service. */
const MESSAGES = `import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { MessageReader } from "../base/message-reader.js";

export const Note: MessageFns<Note> = {
  encode(message: Note, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer.uint32(10).string(message.text);
  },
};

export interface MessageFns<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
}
`;
const SERVICE = `    requestSerialize: (value: Note): Buffer =>
      Buffer.from(Note.encode(value).finish()),
    requestDeserialize: (value: Buffer): Note => Note.decode(value),
`;

test("encoders write through our writer, and a service copies nothing", () => {
  const written = messageWriters(MESSAGES, "../base/message-writer.js", "note.ts");
  assert.match(written, /^import \{ MessageWriter \} from "\.\.\/base\/message-writer\.js";\n/);
  assert.match(written, /encode\(message: Note, writer: MessageWriter = new MessageWriter\(\)\): MessageWriter \{/);
  assert.doesNotMatch(written, /BinaryWriter/);
  assert.match(messageWriters(SERVICE, "w", "note_service.ts"), /=>\n +Note\.encode\(value\)\.finish\(\),\n/);
  assert.equal(messageWriters("export const a = 1;\n", "w", "a.ts"), "export const a = 1;\n");
});

test("an encoder or a service that is written in another way fails the generation, by name", () => {
  for (const source of [
    MESSAGES.replace("writer: BinaryWriter = new BinaryWriter()", "writer = new BinaryWriter()"),
    MESSAGES.replace('"@bufbuild/protobuf/wire"', '"protobufjs"'),
    SERVICE.replace("Note.encode(value).finish()", "Note.encode(value).ldelim().finish()"),
  ]) {
    assert.throws(() => messageWriters(source, "w", "note.ts"), /^Error: cannot put our writer into note\.ts: /);
  }
});
