/** Arrays that lie one behind the other in one buffer, so that a message copies or transfers them in one piece. Doubles are cut first. */
export class ColumnCutter {
  readonly #buffer: ArrayBuffer;
  #at = 0;

  constructor(bytes: number) {
    this.#buffer = new ArrayBuffer(bytes);
  }

  doubles(length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#buffer, this.#take(length, 8), length);
  }

  ints(length: number, value = 0): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#buffer, this.#take(length, 4), length).fill(value);
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#take(length, 1), length);
  }

  #take(length: number, each: number): number {
    const at = this.#at;
    this.#at += length * each;
    return at;
  }
}
