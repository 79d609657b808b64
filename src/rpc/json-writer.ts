import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { JsonOutput } from "./json-output.js";

/** Bytes that are handed on at once; at the speed of this writer, a millisecond's work. */
const CHUNK_BYTES = 64 * 1024;
/** A message of more bytes lets others have their turn while it is written. */
const LARGE_BYTES = 16 * 1024;

const [QUOTE, COMMA, BRACKET, BRACKET_END, BRACE, BRACE_END] = [0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

/** A field as it is written. */
interface Written {
  /** With quotes and colon. */
  readonly name: Uint8Array;
  readonly field: DescField;
  readonly list: boolean;
  /** Written even where it holds its zero. */
  readonly always: boolean;
}

/** Fields of a type in the order of its proto file, and their places in it by number. */
interface Shape {
  readonly fields: readonly Written[];
  readonly places: ReadonlyMap<number, number>;
}

const shapes = new WeakMap<DescMessage, Shape>();

/** The whole text of a message. */
export function messageText(type: DescMessage, bytes: Uint8Array): string {
  return Buffer.concat([...messageChunks(type, bytes)]).toString();
}

/**
 * The JSON of a message's bytes as Go's jsonpb writes it: names as in the proto file, in its order; fields that hold their zero are left
 * out; bytes in base64, 64-bit integers and enum values as strings. Straight from bytes to text, which comes in pieces of about 64
 * KiB, because an answer may be megabytes and others want their turn in between.
 */
export function messageChunks(type: DescMessage, bytes: Uint8Array): Generator<Buffer, void> {
  return new Writing(bytes).message(type);
}

class Writing {
  readonly #bytes: Buffer;
  readonly #reader: BinaryReader;
  readonly #out = new JsonOutput();
  /** Where the values of the messages being written begin, a place for each of their fields: -1, a position, or a number of `#lists`. */
  #places = new Int32Array(256);
  #top = 0;
  readonly #lists: number[][] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#reader = new BinaryReader(bytes);
  }

  *message(type: DescMessage): Generator<Buffer, void> {
    yield* this.#large(type, 0, this.#bytes.length);
    yield this.#out.take();
  }

  /** A message of any size: as `#small`, but pauses between its values. */
  *#large(type: DescMessage, from: number, to: number): Generator<Buffer, void> {
    const { fields } = shapeOf(type);
    const [base, lists] = [this.#top, this.#lists.length];
    this.#find(type, from, to);
    let mark = BRACE;
    for (let place = 0; place < fields.length; place += 1) {
      const written = fields[place] as Written;
      const found = this.#places[base + place] as number;
      if (found < 0 || !this.#isWritten(written, found)) continue;
      this.#out.byte(mark).raw(written.name);
      mark = COMMA;
      const inner = written.field.message;
      const starts = written.list ? (this.#lists[found] as number[]) : [found];
      if (written.list) this.#out.byte(BRACKET);
      for (let index = 0; index < starts.length; index += 1) {
        if (index > 0) this.#out.byte(COMMA);
        if (this.#out.size >= CHUNK_BYTES) yield this.#out.take();
        const start = starts[index] as number;
        if (inner === undefined) this.#scalar(written.field, start);
        else {
          const [begin, end] = this.#extent(start);
          // The small ones are many, and a generator each is dear.
          if (end - begin > LARGE_BYTES) yield* this.#large(inner, begin, end);
          else this.#small(inner, begin, end);
        }
      }
      if (written.list) this.#out.byte(BRACKET_END);
    }
    if (mark === BRACE) this.#out.byte(BRACE);
    this.#out.byte(BRACE_END);
    this.#top = base;
    this.#lists.length = lists;
  }

  #small(type: DescMessage, from: number, to: number): void {
    const { fields } = shapeOf(type);
    const [base, lists] = [this.#top, this.#lists.length];
    this.#find(type, from, to);
    let mark = BRACE;
    for (let place = 0; place < fields.length; place += 1) {
      const written = fields[place] as Written;
      const found = this.#places[base + place] as number;
      if (found < 0 || !this.#isWritten(written, found)) continue;
      this.#out.byte(mark).raw(written.name);
      mark = COMMA;
      if (!written.list) {
        this.#value(written.field, found);
        continue;
      }
      let between = BRACKET;
      for (const start of this.#lists[found] as number[]) {
        this.#out.byte(between);
        between = COMMA;
        this.#value(written.field, start);
      }
      this.#out.byte(BRACKET_END);
    }
    if (mark === BRACE) this.#out.byte(BRACE);
    this.#out.byte(BRACE_END);
    this.#top = base;
    this.#lists.length = lists;
  }

  #value(field: DescField, start: number): void {
    if (field.message === undefined) {
      this.#scalar(field, start);
      return;
    }
    const [begin, end] = this.#extent(start);
    this.#small(field.message, begin, end);
  }

  /** Notes where the values of each field begin; the last value of a field that is no list counts. */
  #find(type: DescMessage, from: number, to: number): void {
    const { fields, places } = shapeOf(type);
    const base = this.#top;
    this.#top += fields.length;
    if (this.#top > this.#places.length) {
      const larger = new Int32Array(2 * this.#top);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places.fill(-1, base, this.#top);
    const reader = this.#reader;
    reader.pos = from;
    while (reader.pos < to) {
      const [number, wireType] = reader.tag();
      const place = places.get(number);
      if (place === undefined) {
        reader.skip(wireType);
        continue;
      }
      const { list, field } = fields[place] as Written;
      if (!list) this.#places[base + place] = reader.pos;
      else {
        const starts = this.#listAt(base + place);
        if (wireType === WireType.LengthDelimited && isPackable(field)) {
          for (const end = reader.uint32() + reader.pos; reader.pos < end; reader.skip(WireType.Varint)) starts.push(reader.pos);
          continue;
        }
        starts.push(reader.pos);
      }
      if (wireType === WireType.LengthDelimited) {
        const length = reader.uint32();
        reader.pos += length;
      } else reader.skip(wireType);
    }
  }

  #listAt(place: number): number[] {
    const known = this.#places[place] as number;
    if (known >= 0) return this.#lists[known] as number[];
    this.#places[place] = this.#lists.length;
    const starts: number[] = [];
    this.#lists.push(starts);
    return starts;
  }

  #extent(start: number): [number, number] {
    const reader = this.#reader;
    reader.pos = start;
    const length = reader.uint32();
    return [reader.pos, reader.pos + length];
  }

  #isWritten({ field, always }: Written, start: number): boolean {
    // A zero of any scalar is one byte: its varint, or a length of none.
    return always || field.message !== undefined || this.#bytes[start] !== 0;
  }

  #scalar(field: DescField, start: number): void {
    const reader = this.#reader;
    if (field.scalar === ScalarType.BYTES) {
      const [begin, end] = this.#extent(start);
      this.#out.base64(this.#bytes, begin, end);
    } else if (field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64) {
      const short = this.#short(start);
      this.#out.byte(QUOTE);
      if (short !== undefined) this.#out.integer(short);
      else this.#out.text(String(this.#long(field, start)));
      this.#out.byte(QUOTE);
    } else this.#out.text(scalarText(field, reader, start));
  }

  /** A positive integer of at most seven bytes, which a double holds; undefined for another. */
  #short(start: number): number | undefined {
    let value = 0;
    let scale = 1;
    for (let at = start; at < start + 7; at += 1) {
      const byte = this.#bytes[at] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return undefined;
  }

  #long(field: DescField, start: number): bigint | string {
    this.#reader.pos = start;
    return field.scalar === ScalarType.INT64 ? this.#reader.int64() : this.#reader.uint64();
  }
}

function scalarText(field: DescField, reader: BinaryReader, start: number): string {
  reader.pos = start;
  if (field.enum !== undefined) return enumText(field.enum, reader.int32());
  if (field.scalar === ScalarType.STRING) return escaped(JSON.stringify(reader.string()));
  if (field.scalar === ScalarType.BOOL) return String(reader.bool());
  if (field.scalar === ScalarType.INT32) return String(reader.int32());
  if (field.scalar === ScalarType.UINT32) return String(reader.uint32());
  throw new Error(`${field.toString()} is of a type that no contract of etcd has`);
}

function shapeOf(type: DescMessage): Shape {
  let shape = shapes.get(type);
  if (shape === undefined) {
    const fields = type.fields.map((field): Written => ({ name: Buffer.from(`"${field.name}":`), field, list: field.fieldKind === "list", always: field.fieldKind === "list" || field.oneof !== undefined }));
    shapes.set(type, (shape = { fields, places: new Map(type.fields.map((field, place) => [field.number, place])) }));
  }
  return shape;
}

function isPackable(field: DescField): boolean {
  return field.message === undefined && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
}

function enumText(type: DescEnum, value: number): string {
  const name = type.value[value]?.name;
  return name === undefined ? String(value) : `"${name}"`;
}

/** Go writes these so, for the sake of pages that hold JSON. */
const ESCAPES: Readonly<Record<string, string>> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/** JSON text as Go's encoder writes it. */
export function escaped(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (found) => ESCAPES[found] as string);
}
