/**
 * Numbers handed out one at a time and taken back: addresses of a range. Goes round, so that an address given back rests
 * as long as possible before somebody else gets it.
 *
 * Example with size 3: take 0, take 1, give 0 back, take 2, take 0; then it is empty.
 */
export class NumberPool {
  readonly #size: number;
  readonly #taken = new Set<number>();
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get free(): number {
    return this.#size - this.#taken.size;
  }

  /** The next free number; undefined when there is none. */
  take(): number | undefined {
    if (this.free <= 0) return undefined;
    while (this.#taken.has(this.#next)) this.#next = (this.#next + 1) % this.#size;
    const number = this.#next;
    this.#taken.add(number);
    this.#next = (number + 1) % this.#size;
    return number;
  }

  /** Marks a number found in use, as after a restart; numbers outside the range are no matter. */
  reserve(number: number): void {
    if (number < 0 || number >= this.#size || this.#taken.has(number)) return;
    this.#taken.add(number);
    if (number >= this.#next) this.#next = (number + 1) % this.#size;
  }

  release(number: number): void {
    this.#taken.delete(number);
  }
}

/** A range of IPv4 addresses in CIDR form; network, gateway (.1) and broadcast addresses are left out. */
export class Ipv4Range {
  readonly #first: number;
  /** How many addresses can be handed out. */
  readonly size: number;

  constructor(cidr: string) {
    const match = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\/(\d{1,2})$/.exec(cidr);
    const bits = Number(match?.[2]);
    const base = match === null ? undefined : numberOfIpv4(match[1]!);
    if (base === undefined || bits < 8 || bits > 29) throw new RangeError(`pod range ${cidr}: must be an IPv4 range from /8 to /29, such as 10.244.0.0/16`);
    const total = 2 ** (32 - bits);
    this.#first = base - (base % total) + 2;
    this.size = total - 3;
  }

  address(index: number): string {
    const value = this.#first + index;
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
  }

  /** Which address of the range it is; -1 for one of another range. */
  indexOf(address: string): number {
    const value = numberOfIpv4(address);
    const index = value === undefined ? -1 : value - this.#first;
    return index >= 0 && index < this.size ? index : -1;
  }
}

function numberOfIpv4(text: string): number | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0);
}

/** MAC addresses under NSX' prefix: `04:50:56:00:90:0d`. */
export const macRange = {
  size: 2 ** 24,
  address(index: number): string {
    const hex = index.toString(16).padStart(6, "0");
    return `04:50:56:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`;
  },
  /** -1 for an address of another prefix. */
  indexOf(mac: string): number {
    const match = /^04:50:56:([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2})$/.exec(mac);
    return match === null ? -1 : Number.parseInt(`${match[1]}${match[2]}${match[3]}`, 16);
  },
} as const;
