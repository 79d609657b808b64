import { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { repairAuthority } from "./authority-repair.js";
import { FRAME_HEAD_BYTES, frameAt, FrameType, headerBlock } from "./http2-frames.js";

/** An HTTP/2 connection whose client writes authorities that Node would refuse: they are repaired on their way. It stands for its socket. */
export class RepairedConnection extends Duplex {
  readonly #socket: Socket;
  /** What has come of a frame that must be whole. */
  #held: Buffer = Buffer.alloc(0);
  /** Bytes that are still to come of a frame that is of no interest. */
  #passing = 0;

  /** `begun`: what was read of the connection already, the preface first; its frames are repaired already. */
  constructor(socket: Socket, begun: Buffer) {
    super();
    this.#socket = socket;
    this.push(begun);
    socket.on("data", (chunk: Buffer) => {
      if (!this.#take(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): boolean {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let room = true;
    this.#held = Buffer.alloc(0);
    while (bytes.length > 0) {
      if (this.#passing > 0) {
        const part = bytes.subarray(0, this.#passing);
        this.#passing -= part.length;
        bytes = bytes.subarray(part.length);
        room = this.push(part);
      } else if (bytes.length < FRAME_HEAD_BYTES) break;
      else if (bytes[3] !== FrameType.HEADERS) this.#passing = FRAME_HEAD_BYTES + bytes.readUIntBE(0, 3);
      else {
        const frame = frameAt(bytes);
        // Node refuses frames of more than 16 KiB by itself.
        if (frame === undefined) break;
        repairAuthority(headerBlock(frame));
        bytes = bytes.subarray(frame.bytes.length);
        room = this.push(frame.bytes);
      }
    }
    this.#held = bytes;
    return room;
  }
}
