/** A range of IPv4 addresses in CIDR form; network, gateway (.1) and broadcast addresses are left out. */
export class Ipv4Range {
  /** Bits of the network's part: 16 in `10.244.0.0/16`. */
  readonly prefixLength: number;
  readonly #first: number;
  /** How many addresses can be handed out. */
  readonly size: number;

  /** @throws RangeError saying what a range must be */
  constructor(cidr: string) {
    const match = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\/(\d{1,2})$/.exec(cidr);
    this.prefixLength = Number(match?.[2]);
    const base = match === null ? undefined : numberOfIpv4(match[1]!);
    if (base === undefined || this.prefixLength < 8 || this.prefixLength > 29) throw new RangeError("must be an IPv4 range from /8 to /29, such as 10.244.0.0/16");
    const total = 2 ** (32 - this.prefixLength);
    if (base % total !== 0) throw new RangeError(`must begin at its first address: ${textOf(base - (base % total))}/${this.prefixLength}`);
    this.#first = base + 2;
    this.size = total - 3;
  }

  address(index: number): string {
    return textOf(this.#first + index);
  }

  /** Which address of the range it is; -1 for one of another range. */
  indexOf(address: string): number {
    const value = numberOfIpv4(address);
    const index = value === undefined ? -1 : value - this.#first;
    return index >= 0 && index < this.size ? index : -1;
  }

  overlaps(other: Ipv4Range): boolean {
    const [start, otherStart] = [this.#first - 2, other.#first - 2];
    return start < otherStart + other.size + 3 && otherStart < start + this.size + 3;
  }
}

function textOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function numberOfIpv4(text: string): number | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0);
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const MAX_MACS = 2 ** 24;

/**
 * A range of MAC addresses, first and last: `04:50:56:00:00:00-04:50:56:ff:ff:ff`, which is NSX' own.
 *
 * Example: address 0x00900d of that range is `04:50:56:00:90:0d`.
 */
export class MacRange {
  readonly #first: number;
  readonly size: number;

  /** @throws RangeError saying what a range must be */
  constructor(text: string) {
    const [first = "", last = "", ...more] = text.toLowerCase().split("-");
    if (!MAC.test(first) || !MAC.test(last) || more.length > 0) throw new RangeError("must be the first and the last MAC address, such as 04:50:56:00:00:00-04:50:56:ff:ff:ff");
    this.#first = numberOfMac(first);
    this.size = numberOfMac(last) - this.#first + 1;
    if (this.size < 1 || this.size > MAX_MACS) throw new RangeError(`must go upwards and hold at most ${MAX_MACS} addresses`);
    if (Number.parseInt(first.slice(0, 2), 16) % 2 === 1 || Number.parseInt(last.slice(0, 2), 16) % 2 === 1) throw new RangeError("must be addresses of single stations: the first byte is even");
  }

  address(index: number): string {
    return (this.#first + index).toString(16).padStart(12, "0").replace(/(..)(?=.)/g, "$1:");
  }

  /** -1 for an address of another range. */
  indexOf(mac: string): number {
    const index = MAC.test(mac) ? numberOfMac(mac) - this.#first : -1;
    return index >= 0 && index < this.size ? index : -1;
  }
}

function numberOfMac(mac: string): number {
  return Number.parseInt(mac.replaceAll(":", ""), 16);
}
