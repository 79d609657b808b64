/** The buffers below the columns of a tree or of its entitlements, each once: what `postMessage` moves instead of copying. */
export function buffersOf(columns: object): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  collect(columns, buffers);
  return [...buffers];
}

function collect(value: unknown, into: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) into.add(value.buffer);
  } else if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) collect(inner, into);
}
