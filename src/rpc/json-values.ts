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
 * given on as one piece up to the next space, so that its parser refuses it.
 *
 * Worked example: the chunks `{"a":"}`, `"}{}`, ` x ` are the texts `{"a":"}"}`, `{}` and `x`.
 */
export async function* jsonTexts(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;
  const take = (last: Buffer): string => {
    const text = Buffer.concat([...held, last]).toString("utf8");
    held = [];
    heldBytes = 0;
    return text;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN || byte === OPEN_LIST) depth += 1;
      else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
      const ends = !inString && depth <= 0 && (byte === CLOSE || byte === CLOSE_LIST);
      const separates = !inString && depth === 0 && SPACE.has(byte);
      if (!ends && !separates) continue;
      const text = take(chunk.subarray(from, at + 1));
      from = at + 1;
      depth = 0;
      if (text.trim() !== "") yield text;
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > maxBytes) throw new JsonStreamError(`grpc: received message larger than max (${heldBytes} vs. ${maxBytes})`);
  }
  const rest = take(Buffer.alloc(0));
  if (rest.trim() !== "") yield rest;
}
