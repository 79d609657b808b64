import { MAX_NESTING } from "./go-json.js";
import { JsonMappingError } from "./json-mapping-error.js";

/** A JSON value of a stream was not finished, or is larger than it may be. */
export class JsonStreamError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonStreamError";
  }
}

const [QUOTE, BACKSLASH, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST] = Buffer.from('"\\{[}]');
const SPACE = new Set(Buffer.from(" \t\r\n"));

/**
 * Cuts a stream of bytes into its JSON objects and lists, which may follow each other with or without space between; anything else is
 * given on as one piece up to the next space, so that its parser refuses it. Throws JsonStreamError for a value of more than `maxBytes`,
 * JsonMappingError for one nested more than 10,000 deep.
 *
 * Worked example: the chunks `{"a":"}`, `"}{}`, ` x ` are the texts `{"a":"}"}`, `{}` and `x`.
 */
export async function* jsonTexts(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer, void> {
  const held = new Held();
  let depth = 0;
  let inString = false;
  let escaped = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN || byte === OPEN_LIST) {
        depth += 1;
        if (depth > MAX_NESTING) throw new JsonMappingError(`invalid character '${String.fromCharCode(byte)}' exceeded max depth`);
      } else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
      const ends = !inString && depth <= 0 && (byte === CLOSE || byte === CLOSE_LIST);
      const separates = !inString && depth === 0 && SPACE.has(byte);
      if (!ends && !separates) continue;
      held.add(chunk.subarray(from, at + 1));
      const text = held.take();
      from = at + 1;
      depth = 0;
      if (hasText(text)) yield text;
    }
    held.add(chunk.subarray(from));
    if (held.sizeBytes > maxBytes) throw new JsonStreamError(`grpc: received message larger than max (${held.sizeBytes} vs. ${maxBytes})`);
  }
  const rest = held.take();
  if (hasText(rest)) yield rest;
}

function hasText(bytes: Buffer): boolean {
  return bytes.some((byte) => !SPACE.has(byte));
}

/** Bytes of a value that has not ended: copied together, as a chunk of one byte costs a hundred where it is kept as it came. */
class Held {
  #bytes = Buffer.alloc(0);
  #size = 0;

  get sizeBytes(): number {
    return this.#size;
  }

  add(piece: Buffer): void {
    const size = this.#size + piece.length;
    if (size > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * size);
      this.#bytes.copy(larger, 0, 0, this.#size);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#size);
    this.#size = size;
  }

  /** What is held, which is nothing from then on. */
  take(): Buffer {
    const text = this.#bytes.subarray(0, this.#size);
    this.#bytes = Buffer.alloc(0);
    this.#size = 0;
    return text;
  }
}
