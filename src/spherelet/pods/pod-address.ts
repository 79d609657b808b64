import type { Pod } from "../../kubernetes/pod.js";
import { podVmAnnotations } from "../../kubernetes/vsphere-pod.js";
import { annotationOf } from "./pod-annotations.js";

/** What a vNIC is configured with. */
export interface PodAddress {
  readonly ip: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/** Of an annotation that says none: the range of the network stand-in is of this size. */
const DEFAULT_PREFIX_LENGTH = 16;

/** The address the network stand-in gave the pod (`10.244.1.7`, or with a prefix length); undefined without one, or where the text is no IPv4 address. */
export function annotatedAddress(pod: Pod): PodAddress | undefined {
  const text = annotationOf(pod, podVmAnnotations.podIp);
  if (text === undefined) return undefined;
  const [ip = "", prefix = String(DEFAULT_PREFIX_LENGTH)] = text.split("/");
  const prefixLength = Number(prefix);
  if (toNumber(ip) === undefined || !Number.isInteger(prefixLength) || prefixLength < 8 || prefixLength > 30) return undefined;
  return addressOf(ip, prefixLength);
}

/**
 * The addresses of one node's range. The first is the gateway's, the last the broadcast address.
 *
 * Example: 10.245.0.0/24 hands out 10.245.0.2 to 10.245.0.254, going round, so that an address comes back late.
 */
export class AddressRange {
  readonly #firstNumber: number;
  readonly #prefixLength: number;
  readonly #size: number;
  readonly #takenBy = new Map<string, string>();
  readonly #addressOf = new Map<string, string>();
  #next = 2;

  constructor(cidr: string) {
    const { number, prefixLength } = requireRange(cidr);
    this.#size = 2 ** (32 - prefixLength);
    this.#prefixLength = prefixLength;
    this.#firstNumber = number - (number % this.#size);
  }

  /** The pod's address: the one it had, `wanted` where it is free and of this range, else the next free one; undefined when all are taken. */
  take(podUid: string, wanted?: string): PodAddress | undefined {
    const held = this.#addressOf.get(podUid);
    if (held !== undefined) return addressOf(held, this.#prefixLength);
    const again = wanted !== undefined && this.#contains(wanted) && !this.#takenBy.has(wanted) ? wanted : this.#free();
    if (again === undefined) return undefined;
    this.#takenBy.set(again, podUid);
    this.#addressOf.set(podUid, again);
    return addressOf(again, this.#prefixLength);
  }

  release(podUid: string): void {
    const held = this.#addressOf.get(podUid);
    if (held === undefined) return;
    this.#addressOf.delete(podUid);
    this.#takenBy.delete(held);
  }

  #contains(ip: string): boolean {
    const offset = (toNumber(ip) ?? -1) - this.#firstNumber;
    return offset >= 2 && offset < this.#size - 1;
  }

  #free(): string | undefined {
    for (let tries = 0; tries < this.#size - 3; tries += 1) {
      const ip = toText(this.#firstNumber + this.#next);
      this.#next = this.#next + 1 >= this.#size - 1 ? 2 : this.#next + 1;
      if (!this.#takenBy.has(ip)) return ip;
    }
    return undefined;
  }
}

/** Throws where the text is no range of pod addresses. */
export function requireRange(cidr: string): { readonly number: number; readonly prefixLength: number } {
  const [ip = "", prefix = ""] = cidr.split("/");
  const number = toNumber(ip);
  const prefixLength = Number(prefix);
  if (number === undefined || !Number.isInteger(prefixLength) || prefixLength < 8 || prefixLength > 30) throw new Error(`"${cidr}" is no range of pod addresses; write one such as 10.245.0.0/24`);
  return { number, prefixLength };
}

function addressOf(ip: string, prefixLength: number): PodAddress {
  const size = 2 ** (32 - prefixLength);
  const number = toNumber(ip) ?? 0;
  return { ip, prefixLength, gateway: toText(number - (number % size) + 1) };
}

function toNumber(ip: string): number | undefined {
  const parts = ip.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
