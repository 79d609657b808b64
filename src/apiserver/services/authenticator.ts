import { timingSafeEqual } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { unauthorized } from "../errors.js";
import type { Caller } from "../kinds/kind.js";

/** A caller who shows a bearer token instead of a certificate. */
export interface TokenUser {
  readonly token: string;
  readonly name: string;
  readonly groups: readonly string[];
}

const AUTHENTICATED = "system:authenticated";

function listOf(value: string | readonly string[] | undefined): string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : [...value];
}

/** Finds out who calls: by a client certificate of our authority (CN the user, O the groups), else by a bearer token. */
export class Authenticator {
  readonly #tokens: readonly TokenUser[];

  constructor(tokens: readonly TokenUser[]) {
    this.#tokens = tokens;
  }

  /** The caller of a request; 401 for a stranger. */
  authenticate(socket: Pick<TLSSocket, "authorized" | "getPeerCertificate">, authorization: string | undefined): Caller {
    if (authorization !== undefined) {
      const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      const user = token === undefined ? undefined : this.#tokens.find((candidate) => isSame(candidate.token, token));
      if (!user) throw unauthorized();
      return { name: user.name, groups: [...user.groups, AUTHENTICATED] };
    }
    if (!socket.authorized) throw unauthorized();
    const subject = socket.getPeerCertificate().subject as unknown as Record<string, string | string[]> | undefined;
    const [name] = listOf(subject?.["CN"]);
    if (!name) throw unauthorized();
    return { name, groups: [...listOf(subject?.["O"]), AUTHENTICATED] };
  }
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
