import { JsonMappingError } from "./json-mapping-error.js";

/** The bytes of a text in base64, in the standard alphabet and with padding, as Go's encoding/base64 reads it: line ends count for nothing. */
export function base64Bytes(text: string): Buffer {
  const bad = text.search(/[^A-Za-z0-9+/]/);
  const good = text.length % 4 === 0 && (bad < 0 || (text.length - bad <= 2 && /^={1,2}$/.test(text.slice(bad))));
  if (!good) {
    const byte = corruptByte(text);
    if (byte !== undefined) throw new JsonMappingError(`illegal base64 data at input byte ${byte}`);
  }
  return Buffer.from(text, "base64");
}

/** Where Go finds that a text is no base64; undefined if it is. */
function corruptByte(text: string): number | undefined {
  const lineEnd = (at: number): boolean => text[at] === "\n" || text[at] === "\r";
  let at = 0;
  const pastLineEnds = (): void => {
    while (lineEnd(at)) at += 1;
  };
  for (;;) {
    for (let place = 0; place < 4; at += 1) {
      if (at === text.length) return place === 0 ? undefined : at - place;
      if (/[A-Za-z0-9+/]/.test(text.charAt(at))) place += 1;
      else if (lineEnd(at)) continue;
      else if (text[at] !== "=" || place < 2) return at;
      else {
        at += 1;
        if (place === 2) {
          pastLineEnds();
          if (at === text.length) return at;
          if (text[at] !== "=") return at - 1;
          at += 1;
        }
        pastLineEnds();
        return at < text.length ? at : undefined;
      }
    }
  }
}
