import type { as, Services } from "./signed-in.js";

/** What differs between the etcd versions that may stand behind the contract. */
export interface AuthTraits {
  /** AuthStatus, hashedPassword, ranges that are checked, tokens that nobody looks at while authentication is off (3.5). */
  readonly since35: boolean;
  /** Every method asks who calls, every nested operation is looked at, an endless watch needs an endless permission (3.5.33). */
  readonly hardened: boolean;
}

/** What the cases of the auth contract share: they build on each other. */
export class AuthUnderTest {
  readonly traits: AuthTraits;
  etcd!: Services;
  /** The call options of a user with the role root, from when authentication is on. */
  root!: ReturnType<typeof as>;
  /** Those of a user with other roles. */
  alice!: ReturnType<typeof as>;

  constructor(traits: AuthTraits) {
    this.traits = traits;
  }
}

export const DENIED = "PERMISSION_DENIED etcdserver: permission denied";
export const NOBODY = "INVALID_ARGUMENT etcdserver: user name is empty";
export const BAD_TOKEN = "UNAUTHENTICATED etcdserver: invalid auth token";
export const NO_PASSWORD = "UNKNOWN auth: authentication failed, password was given for no password user";
export const AUTH_FAILED = "INVALID_ARGUMENT etcdserver: authentication failed, invalid user ID or password";
