/** How a quantity is written: powers of 1024 (`Mi`), powers of 1000 (`M`, `m`), or an exponent (`e3`). */
export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

/** The text is not a quantity; the message is that of k8s.io/apimachinery. */
export class QuantityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "QuantityError";
  }
}

const WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_NUMBER = "unable to parse numeric part of quantity";
const WRONG_SUFFIX = "unable to parse quantity's suffix";

const SHAPE = /^([+-]?)([0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const NUMBER = /^([0-9]*)(?:\.([0-9]*))?$/;
const EXPONENT = /^[eE]([+-]?[0-9]+)$/;

const NANO = 1_000_000_000n;
const NANO_PER_MILLI = 1_000_000n;
/** The greatest quantity of the original: 2^63 - 1, in nano-units. */
const MAX_NANO = (2n ** 63n - 1n) * NANO;

const DECIMAL_SUFFIXES = new Map([["n", -9], ["u", -6], ["m", -3], ["", 0], ["k", 3], ["M", 6], ["G", 9], ["T", 12], ["P", 15], ["E", 18]]);
const BINARY_SUFFIXES = new Map([["Ki", 10], ["Mi", 20], ["Gi", 30], ["Ti", 40], ["Pi", 50], ["Ei", 60]]);
const DECIMAL_NAMES = new Map([...DECIMAL_SUFFIXES].map(([name, power]) => [power, name]));
const BINARY_NAMES = new Map([[0, ""], ...[...BINARY_SUFFIXES].map(([name, power]): [number, string] => [power, name])]);

/** `value / divisor`, rounded away from zero. */
function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (value % divisor === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

/**
 * An amount as Kubernetes writes it (k8s.io/apimachinery resource.Quantity): exact, kept as a whole number of nano-units.
 *
 * Examples: `1.5Gi` is 1610612736 and is written `1536Mi`; `0.5` is written `500m`; `1000m` is written `1`; `0.1n` is rounded up
 * to `1n`, because who asks for some should get some.
 */
export class Quantity {
  static readonly zero = new Quantity(0n, "DecimalSI");

  /** The amount in units of 10^-9. */
  readonly nano: bigint;
  readonly format: QuantityFormat;

  private constructor(nano: bigint, format: QuantityFormat) {
    this.nano = nano;
    this.format = format;
  }

  /** Reads a quantity; throws QuantityError with the original's words. */
  static parse(text: string): Quantity {
    const shape = SHAPE.exec(text);
    if (shape === null) throw new QuantityError(WRONG_FORMAT);
    const [, sign = "", digits = "", suffix = ""] = shape;
    const { power, base, format } = Quantity.#readSuffix(suffix);
    const number = NUMBER.exec(digits);
    if (number === null || digits === ".") throw new QuantityError(WRONG_NUMBER);
    const [, whole = "", fraction = ""] = number;

    // value = mantissa / 10^fraction.length * base^power, in nano-units
    let numerator = BigInt(`${whole}${fraction}`) * NANO;
    let denominator = 10n ** BigInt(fraction.length);
    if (power >= 0) numerator *= base ** BigInt(power);
    else denominator *= base ** BigInt(-power);
    let nano = divideUp(numerator, denominator);
    if (nano > MAX_NANO) nano = MAX_NANO;
    // A binary amount below one unit reads better as milli, micro or nano.
    const readable = format === "BinarySI" && nano > 0n && nano < NANO ? "DecimalSI" : format;
    return new Quantity(sign === "-" ? -nano : nano, readable);
  }

  static #readSuffix(suffix: string): { power: number; base: bigint; format: QuantityFormat } {
    const decimal = DECIMAL_SUFFIXES.get(suffix);
    if (decimal !== undefined) return { power: decimal, base: 10n, format: "DecimalSI" };
    const binary = BINARY_SUFFIXES.get(suffix);
    if (binary !== undefined) return { power: binary, base: 2n, format: "BinarySI" };
    const exponent = EXPONENT.exec(suffix);
    if (exponent === null) throw new QuantityError(WRONG_SUFFIX);
    // Beyond these every amount is at the cap or one nano; the clamp keeps 10^power small.
    return { power: Math.max(-400, Math.min(400, Number(exponent[1]))), base: 10n, format: "DecimalExponent" };
  }

  /** Reads a quantity if there is one, else zero. */
  static parseOrZero(text: string | undefined): Quantity {
    return text === undefined ? Quantity.zero : Quantity.parse(text);
  }

  /** A whole number of units: bytes, pods, cores. */
  static of(units: bigint | number, format: QuantityFormat = "DecimalSI"): Quantity {
    return new Quantity(BigInt(units) * NANO, format);
  }

  /** A whole number of thousandths: millicores. */
  static ofMilli(milli: bigint | number): Quantity {
    return new Quantity(BigInt(milli) * NANO_PER_MILLI, "DecimalSI");
  }

  add(other: Quantity): Quantity {
    return new Quantity(this.nano + other.nano, this.nano === 0n ? other.format : this.format);
  }

  sub(other: Quantity): Quantity {
    return new Quantity(this.nano - other.nano, this.nano === 0n ? other.format : this.format);
  }

  /** Below 0, 0 or above 0 as this is less than, equal to or greater than `other`. */
  compare(other: Quantity): -1 | 0 | 1 {
    if (this.nano === other.nano) return 0;
    return this.nano < other.nano ? -1 : 1;
  }

  get isZero(): boolean {
    return this.nano === 0n;
  }

  /** The greater of two. */
  max(other: Quantity): Quantity {
    return this.compare(other) >= 0 ? this : other;
  }

  /** Whole units, rounded away from zero. */
  value(): bigint {
    return divideUp(this.nano, NANO);
  }

  /** Whole thousandths, rounded away from zero: `100m` is 100n. */
  milliValue(): bigint {
    return divideUp(this.nano, NANO_PER_MILLI);
  }

  /** The nearest JavaScript number of units, for shares and percentages. */
  toNumber(): number {
    return Number(this.nano) / 1e9;
  }

  /** The canonical text: no digit lost, no fraction, the largest suffix possible. */
  toString(): string {
    if (this.nano === 0n) return "0";
    const units = this.nano / NANO;
    const whole = this.nano % NANO === 0n;
    if (this.format === "BinarySI" && whole && (units >= 1024n || units <= -1024n)) return Quantity.#writeBinary(units);
    return Quantity.#writeDecimal(this.nano, this.format === "DecimalExponent");
  }

  toJSON(): string {
    return this.toString();
  }

  static #writeBinary(units: bigint): string {
    let power = 0;
    while (units % 1024n === 0n && power < 60) {
      units /= 1024n;
      power += 10;
    }
    return `${units}${BINARY_NAMES.get(power)}`;
  }

  static #writeDecimal(nano: bigint, asExponent: boolean): string {
    let power = -9;
    while (nano % 1000n === 0n && power < 18) {
      nano /= 1000n;
      power += 3;
    }
    if (!asExponent) return `${nano}${DECIMAL_NAMES.get(power)}`;
    return power === 0 ? String(nano) : `${nano}e${power}`;
  }
}
