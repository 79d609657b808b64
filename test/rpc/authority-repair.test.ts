import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silentLogger } from "../../src/base/log.js";
import { repairAuthority } from "../../src/rpc/authority-repair.js";
import { connectionFrame, frameAt, type Frame, FrameType } from "../../src/rpc/http2-frames.js";
import { replaceCoded } from "../../src/rpc/huffman.js";
import { parseListenUrl } from "../../src/rpc/listen-url.js";
import { serve, startRpcServer } from "../../src/rpc/server.js";
import { EchoService, type Note } from "./echo-service.js";
import { fc } from "../support/properties.js";

const SLASH = 0x2f;
const DOT = 0x2e;

test("a coded character is exchanged for one of the same length (RFC 7541, C.4.1)", () => {
  const original = Buffer.from("f1e3c2e5f23a6ba0ab90f4ff", "hex");
  const coded = Buffer.from(original);
  assert.equal(replaceCoded(coded, SLASH, DOT), false);
  assert.deepEqual(coded, original);
  assert.equal(replaceCoded(coded, DOT, SLASH), true);
  assert.notDeepEqual(coded, original);
  assert.equal(replaceCoded(coded, SLASH, DOT), true);
  assert.deepEqual(coded, original);
  assert.throws(() => replaceCoded(coded, SLASH, 0x30), /differ in length/);
});

/** A literal field with a static name, indexed from now on; plain. */
const literal = (index: number, value: string): Buffer => Buffer.concat([Buffer.from([0x40 | index, value.length]), Buffer.from(value)]);
/** One with a name of its own, never indexed. */
const named = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0x10, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

test("only authorities are repaired, whatever stands around them", () => {
  const before = Buffer.concat([Buffer.from([0x83, 0x86, 0x3f, 0xe1, 0x1f]), literal(4, "/a/b"), named("x", "/y/")]);
  const block = Buffer.concat([before, literal(1, "http://127.0.0.1:2379"), literal(5, "/c/d")]);
  assert.equal(repairAuthority(block), true);
  assert.deepEqual(block, Buffer.concat([before, literal(1, "http:..127.0.0.1:2379"), literal(5, "/c/d")]));
  assert.equal(repairAuthority(block), false);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void repairAuthority(Buffer.from(bytes))), { seed: 3, numRuns: 500 });
});

async function frames(socket: Socket, enough: (seen: readonly Frame[]) => boolean): Promise<Frame[]> {
  const seen: Frame[] = [];
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    for (let frame = frameAt(bytes); frame !== undefined; frame = frameAt(bytes)) {
      bytes = bytes.subarray(frame.bytes.length);
      seen.push(frame);
    }
    if (enough(seen)) return seen;
  }
  return seen;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const RST_STREAM = 3;
const DATA = 0;

/** A HEADERS or DATA frame on a stream. */
function streamFrame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const frame = connectionFrame(type, flags, payload);
  frame.writeUInt32BE(stream, 5);
  return frame;
}

async function startOnSocket(t: TestContext): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-authority-"));
  const path = join(directory, "a.sock");
  const server = await startRpcServer({ listen: [parseListenUrl(`unix://${path}`)], room: "echo", log: silentLogger, services: [serve(EchoService, { once: (note: Note) => note })], closeLimitMs: 200 });
  t.after(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  return path;
}

for (const [what, authority] of [["good", "localhost"], ["in need of repair", "http://127.0.0.1:2379"]] as const) {
  test(`a client that waits for settings, as Go's, is served: its authority is ${what}`, async (t) => {
    const socket = connect(await startOnSocket(t));
    t.after(() => socket.destroy());
    await once(socket, "connect");
    socket.write(Buffer.concat([PREFACE, connectionFrame(FrameType.SETTINGS, 0, Buffer.alloc(0))]));
    const [settings] = await frames(socket, (seen) => seen.length > 0);
    assert.equal(settings?.type, FrameType.SETTINGS);
    const ping = connectionFrame(FrameType.PING, 0, Buffer.from("12345678"));
    socket.write(Buffer.concat([ping, connectionFrame(FrameType.SETTINGS, 1, Buffer.alloc(0))]));
    const [pong] = await frames(socket, (seen) => seen.length > 0);
    assert.deepEqual([pong?.type, pong?.flags, pong?.bytes.subarray(9).toString()], [FrameType.PING, 1, "12345678"]);

    const message = Buffer.from(JSON.stringify({ text: "hello" }));
    const data = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    for (const stream of [1, 3]) {
      const block = Buffer.concat([Buffer.from([0x83, 0x86]), literal(4, EchoService.once.path), literal(1, authority), literal(31, "application/grpc"), named("te", "trailers")]);
      const request = Buffer.concat([streamFrame(FrameType.HEADERS, 4, stream, block), streamFrame(DATA, 1, stream, data)]);
      // In two pieces, the first of which ends within the header block.
      socket.write(request.subarray(0, 20));
      await new Promise<void>((resolve) => socket.write(request.subarray(20), () => resolve()));
      const ended = (frame: Frame): boolean => frame.bytes.readUInt32BE(5) === stream && ((frame.flags & 1) !== 0 || frame.type === RST_STREAM);
      const seen = await frames(socket, (all) => all.some(ended));
      assert.ok(!seen.some(({ type }) => type === RST_STREAM), "the stream was reset");
      assert.ok(seen.some(({ type, bytes }) => type === DATA && bytes.includes(message)));
      // Node's own settings came with the first answer.
      if (stream === 1) socket.write(connectionFrame(FrameType.SETTINGS, 1, Buffer.alloc(0)));
    }
  });
}
