import type { Clock } from "../../base/clock.js";
import { unclassifiedError } from "../errors.js";
import type { JwtKey } from "./jwt-key.js";
import type { TokenHolder, Tokens } from "./tokens.js";

/** How JSON Web Tokens are made (etcd `--auth-token jwt,...`). */
export interface JwtOptions {
  /** HS256, RS256, PS256, ES256 or one with 384 or 512. */
  readonly method: string;
  readonly key: JwtKey;
  /** How long a token is valid. */
  readonly ttlMs: number;
}

/** Longer ones are not looked at: a header of a call holds less. */
const MAX_TOKEN_LENGTH = 64 * 1024;

/**
 * JSON Web Tokens (RFC 7519): the token itself says whose it is, which revision of users and roles it was given at and when it ends, so
 * nothing is kept, any server with the key knows it again, and none can be taken back. After a change of users or roles a token is old.
 *
 * Example: header `{"alg":"RS256","typ":"JWT"}`, claims `{"exp":1767225900,"revision":7,"username":"alice"}`.
 */
export class JwtTokens implements Tokens {
  readonly #options: JwtOptions;
  readonly #wallClock: Clock;

  /** `wallClock` tells the milliseconds since 1970. */
  constructor(options: JwtOptions, wallClock: Clock) {
    this.#options = options;
    this.#wallClock = wallClock;
  }

  assign(user: string, _index: bigint, authRevision: bigint): string {
    const { method, key, ttlMs } = this.#options;
    if (key.sign === undefined) throw unclassifiedError("verifyOnly");
    const exp = Math.floor((this.#wallClock.nowMs() + ttlMs) / 1000);
    const text = `${encoded({ alg: method, typ: "JWT" })}.${encoded({ exp, revision: Number(authRevision), username: user })}`;
    return `${text}.${key.sign(text).toString("base64url")}`;
  }

  use(token: string): TokenHolder | undefined {
    const [, text = "", head = "", body = "", signature = ""] = token.length > MAX_TOKEN_LENGTH ? [] : (/^(([\w-]+)\.([\w-]+))\.([\w-]+)$/.exec(token) ?? []);
    if (decoded(head)?.["alg"] !== this.#options.method) return undefined;
    if (!this.#options.key.verify(text, Buffer.from(signature, "base64url"))) return undefined;
    const claims = decoded(body);
    if (claims === undefined || !this.#isTimely(claims)) return undefined;
    const { username, revision } = claims;
    if (typeof username !== "string" || typeof revision !== "number" || !(revision >= 0)) return undefined;
    return { user: username, authRevision: BigInt(Math.trunc(revision)) };
  }

  endUser(): void {
    // A signed token cannot be taken back; it ends by its time, or is old after the next change.
  }

  endAll(): void {
    // As above.
  }

  /** RFC 7519, sections 4.1.4 to 4.1.6; a claim that is not there asks for nothing. */
  #isTimely({ exp, nbf, iat }: Readonly<Record<string, unknown>>): boolean {
    const nowSeconds = Math.floor(this.#wallClock.nowMs() / 1000);
    const each = (claim: unknown, holds: (seconds: number) => boolean): boolean => claim === undefined || (typeof claim === "number" && holds(claim));
    return each(exp, (seconds) => nowSeconds < seconds) && each(nbf, (seconds) => nowSeconds >= seconds) && each(iat, (seconds) => nowSeconds >= seconds);
  }
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function decoded(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(Buffer.from(part, "base64url").toString()) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
