import { etcdError } from "../errors.js";

/** Whose token it is, and the revision of users and roles it speaks for; undefined where it speaks for whatever is the newest. */
export interface TokenHolder {
  readonly user: string;
  readonly authRevision: bigint | undefined;
}

/** What users get for their password (etcd's token provider). */
export interface Tokens {
  /** A new token for a user. `index` is raft's at the sign-in, `authRevision` that of users and roles. */
  assign(user: string, index: bigint, authRevision: bigint): string;
  /** Whose token it is; undefined if it is nobody's, or no longer. */
  use(token: string): TokenHolder | undefined;
  /** Ends all tokens of a user, where that can be done. */
  endUser(user: string): void;
  /** Ends all tokens, where that can be done. */
  endAll(): void;
}

/** No tokens at all (`--auth-token ""`): nobody can sign in with a password. */
export const noTokens: Tokens = {
  assign: () => {
    throw etcdError("authFailed");
  },
  use: () => undefined,
  endUser: () => undefined,
  endAll: () => undefined,
};
