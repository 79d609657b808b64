/** JSON that does not parse; the message is worded as Go's encoding/json words it. */
export class JsonSyntaxError extends Error {}

/** Parsed JSON and the paths of keys that appeared twice in one object (the last one wins), as `spec.containers[0].image`. */
export interface ParsedJson {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

const MAX_DEPTH = 1_000;

function printable(character: string): string {
  return character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${character}'`;
}

/**
 * Reads JSON and remembers duplicate keys, which JSON.parse hides and strict field validation must report.
 *
 * `{"a":1,"a":2}` gives `{ value: { a: 2 }, duplicates: ["a"] }`.
 */
export function parseJson(text: string): ParsedJson {
  const duplicates: string[] = [];
  let at = 0;

  const fail = (looking: string): never => {
    const character = text[at];
    if (character === undefined) throw new JsonSyntaxError("unexpected end of JSON input");
    throw new JsonSyntaxError(`invalid character ${printable(character)} ${looking}`);
  };
  const skip = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 32 || code === 10 || code === 13 || code === 9) at++;
      else return;
    }
  };
  const string = (): string => {
    const start = at++;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw new JsonSyntaxError("unexpected end of JSON input");
      if (code === 34) break;
      if (code < 32) fail("in string literal");
      at += code === 92 ? 2 : 1;
    }
    at++;
    const raw = text.slice(start, at);
    if (!raw.includes("\\")) return raw.slice(1, -1);
    try {
      return JSON.parse(raw) as string;
    } catch {
      throw new JsonSyntaxError("invalid escape code in string literal");
    }
  };
  const literal = (word: string, result: unknown): unknown => {
    for (const expected of word) {
      if (text[at] !== expected) fail(`in literal ${word} (expecting ${printable(expected)})`);
      at++;
    }
    return result;
  };
  const number = (): number => {
    const match = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (!found) {
      at++;
      return fail("in numeric literal");
    }
    at += found[0].length;
    return Number(found[0]);
  };
  const value = (path: string, depth: number): unknown => {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError("exceeded max depth");
    skip();
    switch (text[at]) {
      case "{":
        return object(path, depth);
      case "[":
        return array(path, depth);
      case '"':
        return string();
      case "t":
        return literal("true", true);
      case "f":
        return literal("false", false);
      case "n":
        return literal("null", null);
      default:
        if (/[-0-9]/.test(text[at] ?? "")) return number();
        return fail("looking for beginning of value");
    }
  };
  const object = (path: string, depth: number): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    at++;
    skip();
    if (text[at] === "}") {
      at++;
      return result;
    }
    for (;;) {
      skip();
      if (text[at] !== '"') fail("looking for beginning of object key string");
      const key = string();
      const inner = path === "" ? key : `${path}.${key}`;
      if (Object.hasOwn(result, key)) duplicates.push(inner);
      skip();
      if (text[at] !== ":") fail("after object key");
      at++;
      const member = value(inner, depth + 1);
      if (key === "__proto__") Object.defineProperty(result, key, { value: member, enumerable: true, configurable: true, writable: true });
      else result[key] = member;
      skip();
      if (text[at] === "}") break;
      if (text[at] !== ",") fail("after object key:value pair");
      at++;
    }
    at++;
    return result;
  };
  const array = (path: string, depth: number): unknown[] => {
    const result: unknown[] = [];
    at++;
    skip();
    if (text[at] === "]") {
      at++;
      return result;
    }
    for (;;) {
      result.push(value(`${path}[${result.length}]`, depth + 1));
      skip();
      if (text[at] === "]") break;
      if (text[at] !== ",") fail("after array element");
      at++;
    }
    at++;
    return result;
  };

  const whole = value("", 0);
  skip();
  if (at < text.length) fail("after top-level value");
  return { value: whole, duplicates };
}
