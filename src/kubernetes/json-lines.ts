/** Longest line a watch may carry; etcd takes no value beyond 1.5 MiB, so this is never met by a sane server. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Cuts a byte stream into lines and parses each as JSON: the framing of a watch. The lines of one chunk come together; an unfinished last line
 * is dropped. At a line that is no JSON or too long the good ones before it come first, then it throws.
 */
export async function* parseJsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly unknown[], void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    const lines: unknown[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      if (end < 0) break;
      // Most lines come whole: only what was held of one is put together.
      const line = held.length === 0 ? chunk.toString("utf8", start, end) : Buffer.concat([...held, chunk.subarray(start, end)]).toString("utf8");
      if (held.length > 0) held = [];
      heldBytes = 0;
      start = end + 1;
      if (line.trim() === "") continue;
      try {
        lines.push(JSON.parse(line));
      } catch (error) {
        if (lines.length > 0) yield lines;
        throw error;
      }
    }
    if (lines.length > 0) yield lines;
    if (start < chunk.length) {
      held.push(chunk.subarray(start));
      heldBytes += chunk.length - start;
      if (heldBytes > MAX_LINE_BYTES) throw new Error(`a watch event is longer than ${MAX_LINE_BYTES} bytes`);
    }
  }
}
