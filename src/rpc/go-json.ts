import { JsonMappingError } from "./json-mapping-error.js";
import { atOnce, type Slices, STEPS_PER_SLICE } from "../base/slices.js";

/** A JSON value with its scalars as they were written: Go decides by the text of a number whether it is an integer. */
export type GoJson =
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, GoJson> }
  | { readonly kind: "array"; readonly items: readonly GoJson[] }
  | { readonly kind: "string" | "number" | "bool" | "null"; readonly raw: string };

/** Lists and objects within each other, as Go's encoding/json takes them. */
export const MAX_NESTING = 10_000;

type Open = { readonly kind: "object"; readonly fields: Map<string, GoJson>; key: string } | { readonly kind: "array"; readonly items: GoJson[] };

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN, OPEN_LIST, CLOSE, CLOSE_LIST] = [0x7b, 0x5b, 0x7d, 0x5d];
const [MINUS, PLUS, DOT, ZERO, NINE, LOWER_E, UPPER_E, LOWER_U] = [0x2d, 0x2b, 0x2e, 0x30, 0x39, 0x65, 0x45, 0x75];
const LITERALS: Readonly<Record<string, readonly [string, "bool" | "null"]>> = { t: ["true", "bool"], f: ["false", "bool"], n: ["null", "null"] };
const LATIN1 = "latin1";

/**
 * The first JSON value of a text, whose characters are bytes (`latin1`), refused in the words of Go's encoding/json. What follows the value
 * is not looked at, as Go's json.Decoder does not.
 *
 * Worked example: of `{"limit":1e3} x` it gives an object whose field `limit` is a number with the raw text `1e3`; `{"limit":1.}` is refused
 * with: invalid character '}' after decimal point in numeric literal.
 */
export function parseGoJson(text: string): Slices<GoJson> {
  return parseAt(new Cursor(text, "unexpected EOF"));
}

function* parseAt(cursor: Cursor): Slices<GoJson> {
  const open: Open[] = [];
  for (let step = 1; ; step += 1) {
    if (step % STEPS_PER_SLICE === 0) yield;
    let value = begin(cursor, open);
    while (value !== undefined) {
      const around = open.at(-1);
      if (around === undefined) return value;
      value = attach(cursor, open, around, value);
    }
  }
}

/** Reads a scalar or an empty container, or opens a container and answers undefined. */
function begin(cursor: Cursor, open: Open[]): GoJson | undefined {
  const char = cursor.visible();
  if (char === OPEN || char === OPEN_LIST) {
    if (open.length >= MAX_NESTING) throw cursor.refuse("exceeded max depth");
    cursor.at += 1;
    const empty = cursor.visible() === (char === OPEN ? CLOSE : CLOSE_LIST);
    if (empty) cursor.at += 1;
    if (char === OPEN) {
      const fields = new Map<string, GoJson>();
      if (empty) return { kind: "object", fields };
      open.push({ kind: "object", fields, key: cursor.key() });
      return undefined;
    }
    if (empty) return { kind: "array", items: [] };
    open.push({ kind: "array", items: [] });
    return undefined;
  }
  if (char === QUOTE) return { kind: "string", raw: cursor.string() };
  if (char === MINUS || isDigit(char)) return { kind: "number", raw: cursor.number() };
  const literal = LITERALS[String.fromCharCode(char)];
  if (literal === undefined) throw cursor.refuse("looking for beginning of value");
  return { kind: literal[1], raw: cursor.literal(literal[0]) };
}

/** Puts a value into the container around it; answers the container if that ends it. */
function attach(cursor: Cursor, open: Open[], around: Open, value: GoJson): GoJson | undefined {
  if (around.kind === "object") around.fields.set(around.key, value);
  else around.items.push(value);
  const char = cursor.visible();
  if (char === COMMA) {
    cursor.at += 1;
    if (around.kind === "object") around.key = cursor.key();
    return undefined;
  }
  if (char !== (around.kind === "object" ? CLOSE : CLOSE_LIST)) throw cursor.refuse(around.kind === "object" ? "after object key:value pair" : "after array element");
  cursor.at += 1;
  open.pop();
  return around;
}

/**
 * The value that a whole text is, as Go's json.Unmarshal reads it: the end of a text counts as a space, and nothing may follow the value.
 */
export function wholeGoJson(text: string): GoJson {
  const cursor = new Cursor(`${text} `, "unexpected end of JSON input");
  const value = atOnce(parseAt(cursor));
  const rest = cursor.rest();
  if (rest !== undefined) throw rest;
  return value;
}

/** The text of a JSON string, whose raw form has its quotes. */
export function stringOf(raw: string): string {
  const plain = raw.slice(1, -1);
  if (!/[\\\x80-\xff]/.test(plain)) return plain;
  return JSON.parse(Buffer.from(raw, LATIN1).toString("utf8")) as string;
}

class Cursor {
  at = 0;
  readonly #text: string;
  readonly #endText: string;

  constructor(text: string, endText: string) {
    this.#text = text;
    this.#endText = endText;
  }

  /** The character that is no space, from here on. */
  visible(): number {
    let char = this.#must();
    while (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) {
      this.at += 1;
      char = this.#must();
    }
    return char;
  }

  /** The name of a field, with its colon. */
  key(): string {
    if (this.visible() !== QUOTE) throw this.refuse("looking for beginning of object key string");
    const key = stringOf(this.string());
    if (this.visible() !== COLON) throw this.refuse("after object key");
    this.at += 1;
    return key;
  }

  string(): string {
    const start = this.at;
    this.at += 1;
    for (;;) {
      const char = this.#must();
      if (char === BACKSLASH) {
        this.at += 1;
        const escape = this.#must();
        if (escape === LOWER_U) {
          for (let digit = 0; digit < 4; digit += 1) {
            this.at += 1;
            if (!/[0-9a-fA-F]/.test(String.fromCharCode(this.#must()))) throw this.refuse("in \\u hexadecimal character escape");
          }
        } else if (!'bfnrt\\/"'.includes(String.fromCharCode(escape))) throw this.refuse("in string escape code");
      } else if (char < 0x20) throw this.refuse("in string literal");
      this.at += 1;
      if (char === QUOTE) return this.#text.slice(start, this.at);
    }
  }

  number(): string {
    const start = this.at;
    if (this.#must() === MINUS) this.at += 1;
    if (!isDigit(this.#must())) throw this.refuse("in numeric literal");
    if (this.#must() === ZERO) this.at += 1;
    else this.#digits();
    if (this.#peek() === DOT) {
      this.at += 1;
      if (!isDigit(this.#must())) throw this.refuse("after decimal point in numeric literal");
      this.#digits();
    }
    if (this.#peek() === LOWER_E || this.#peek() === UPPER_E) {
      this.at += 1;
      if (this.#must() === PLUS || this.#must() === MINUS) this.at += 1;
      if (!isDigit(this.#must())) throw this.refuse("in exponent of numeric literal");
      this.#digits();
    }
    return this.#text.slice(start, this.at);
  }

  literal(word: string): string {
    for (const expected of word) {
      if (this.#must() !== expected.charCodeAt(0)) throw this.refuse(`in literal ${word} (expecting '${expected}')`);
      this.at += 1;
    }
    return word;
  }

  /** Why what follows a value may not follow it; undefined where nothing does. */
  rest(): JsonMappingError | undefined {
    while (this.at < this.#text.length && " \t\r\n".includes(this.#text.charAt(this.at))) this.at += 1;
    return this.at < this.#text.length ? this.refuse("after top-level value") : undefined;
  }

  /** Go's refusal of the character here. */
  refuse(context: string): JsonMappingError {
    return new JsonMappingError(`invalid character ${quoted(this.#must())} ${context}`);
  }

  #digits(): void {
    while (isDigit(this.#peek())) this.at += 1;
  }

  /** NaN at the end. */
  #peek(): number {
    return this.#text.charCodeAt(this.at);
  }

  #must(): number {
    const char = this.#text.charCodeAt(this.at);
    if (Number.isNaN(char)) throw new JsonMappingError(this.#endText);
    return char;
  }
}

function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}

const ESCAPES: Readonly<Record<string, string>> = { "'": "\\'", "\\": "\\\\", "\x07": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v" };

/** A byte as Go shows it: taken for a character of Latin-1, so that `é`, two bytes, begins with `Ã`. */
function quoted(byte: number): string {
  const char = String.fromCharCode(byte);
  const escape = ESCAPES[char];
  if (escape !== undefined) return `'${escape}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, "0")}'`;
  return (byte >= 0x80 && byte <= 0xa0) || byte === 0xad ? `'\\u${byte.toString(16).padStart(4, "0")}'` : `'${char}'`;
}
