import { hash } from "node:crypto";
import { RpcCode, type RpcError } from "../base/rpc-error.js";
import { MethodFault } from "../gen/spheresim/vim/v1/fault.js";
import { faultStatus } from "./method-fault.js";

/** A request that changes something. */
export interface Mutation {
  /** Chosen by the caller, the same for each try; empty for none. */
  readonly requestId: string;
}

interface Remembered {
  readonly bodyHash: string;
  readonly answer: Promise<unknown>;
  /** Of an answer that is there and is bytes already; others are small. */
  bytes: number;
}

const DEFAULT_LIMIT = 10_000;
const DEFAULT_MAX_BYTES = 128 * 1024 * 1024;
const MAX_ID_LENGTH = 128;

/**
 * Answers by request id: the same id with the same body gets the same answer, also while the first call is still under way; with another
 * body it is RequestIdReused. Errors are not kept: what failed changed nothing and may be tried again.
 *
 * Bounded, and of this process's life only. What must be idempotent across a restart is so by its own key: a VM by its owner or instance
 * uuid, a pool by its namespace; a host and an ordinary VM keep the request they came by. A cluster or datacenter made again is DuplicateName.
 */
export class RequestCache {
  readonly #room: string;
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #answers = new Map<string, Remembered>();
  #bytes = 0;

  /** @param room whose errors name it; beyond `limit` answers, and beyond `maxBytes` of those that are bytes, the oldest are forgotten. */
  constructor(room: string, limit = DEFAULT_LIMIT, maxBytes = DEFAULT_MAX_BYTES) {
    this.#room = room;
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /** Runs `work` unless this request was answered before. Ids of different scopes (a method, a host) have nothing to do with each other. */
  async answer<T>(scope: string, request: Mutation, work: () => Promise<T> | T): Promise<T> {
    const { requestId } = request;
    if (requestId === "") return work();
    if (requestId.length > MAX_ID_LENGTH) throw this.#tooLong(requestId.length);
    const key = `${scope}/${requestId}`;
    const bodyHash = hashOf(request);
    const known = this.#answers.get(key);
    if (known !== undefined) {
      if (known.bodyHash !== bodyHash) throw this.#reused(requestId);
      return known.answer as Promise<T>;
    }
    const running = (async () => work())();
    const entry: Remembered = { bodyHash, answer: running, bytes: 0 };
    this.#answers.set(key, entry);
    this.#forgetOldest();
    try {
      const answer = await running;
      if (answer instanceof Uint8Array && this.#answers.get(key) === entry) {
        entry.bytes = answer.length;
        this.#bytes += entry.bytes;
        this.#forgetOldest();
      }
      return answer;
    } catch (error) {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
      throw error;
    }
  }

  #forgetOldest(): void {
    for (const [key, { bytes }] of this.#answers) {
      const areTooMany = this.#answers.size > this.#limit;
      if (!areTooMany && this.#bytes <= this.#maxBytes) return;
      // What is small, or under way, makes no room.
      if (!areTooMany && bytes === 0) continue;
      this.#answers.delete(key);
      this.#bytes -= bytes;
    }
  }

  #reused(requestId: string): RpcError {
    return this.#refusal(RpcCode.ALREADY_EXISTS, `The request id "${requestId}" was used before with another body.`, { $case: "requestIdReused", value: { requestId } });
  }

  #tooLong(length: number): RpcError {
    const message = `A specified parameter was not correct: request_id (has ${length} characters, at most ${MAX_ID_LENGTH} are taken)`;
    return this.#refusal(RpcCode.INVALID_ARGUMENT, message, { $case: "invalidArgument", value: { invalidProperty: "request_id" } });
  }

  #refusal(code: RpcCode, message: string, fault: MethodFault["fault"]): RpcError {
    return faultStatus({ room: this.#room, code, message, fault: MethodFault.create({ localizedMessage: message, fault }), violations: [{ field: "request_id", description: message }] });
  }
}

/**
 * What tells two messages apart. Not of their bytes: a client may write the entries of a map in another order each time, as Go does.
 */
export function hashOf(message: object): string {
  return hash("sha256", canonicalText(message), "base64");
}

/** As JSON, with the fields in order of their names. */
function canonicalText(value: unknown): string {
  if (typeof value === "bigint") return `"${value}n"`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")}"`;
  let text = "";
  if (Array.isArray(value)) {
    for (const each of value) text += `${text === "" ? "" : ","}${canonicalText(each)}`;
    return `[${text}]`;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${canonicalText(fields[name])}`;
  }
  return `{${text}}`;
}
