import type { Role, User } from "../../gen/etcd/authpb/auth.js";
import { etcdError } from "../errors.js";
import type { KeyRange } from "../key-index/key-range.js";
import { type Access, Rights } from "./rights.js";

/** Name of the user and of the role that may do everything. */
export const ROOT = "root";

/** Who calls, and which revision of users and roles that was found out by. */
export interface Identity {
  readonly user: string;
  readonly authRevision: bigint;
}

/** All there is to know about users and roles. */
export interface AuthFacts {
  readonly enabled: boolean;
  /** Counter of changes; 1 before the first. */
  readonly revision: bigint;
  readonly users: ReadonlyMap<string, User>;
  readonly roles: ReadonlyMap<string, Role>;
}

/** Users and roles at one revision. Never changes: a change makes another state. */
export class AuthState implements AuthFacts {
  readonly enabled: boolean;
  readonly revision: bigint;
  readonly users: ReadonlyMap<string, User>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly #rights = new Map<string, Rights>();

  constructor({ enabled, revision, users, roles }: AuthFacts) {
    this.enabled = enabled;
    this.revision = revision;
    this.users = users;
    this.roles = roles;
  }

  /** The state after a change, at the next revision. */
  changed(facts: Partial<Omit<AuthFacts, "revision">>): AuthState {
    return new AuthState({ enabled: this.enabled, users: this.users, roles: this.roles, ...facts, revision: this.revision + 1n });
  }

  /** Throws etcd's error unless the caller may read or write every key of a range; always passes while authentication is off. */
  permit(who: Identity | undefined, range: KeyRange, access: Access): void {
    if (!this.enabled) return;
    if (who === undefined) throw etcdError("userEmpty");
    // Between the look at the token and now users or roles have changed: the client asks again.
    if (who.authRevision < this.revision) throw etcdError("authOldRevision");
    const user = this.users.get(who.user);
    if (user === undefined) throw etcdError("permissionDenied");
    if (!hasRole(user, ROOT) && !this.#rightsOf(user, who.user).cover(range, access)) throw etcdError("permissionDenied");
  }

  /** Throws etcd's error unless the caller has the role root; always passes while authentication is off. */
  requireAdmin(who: Identity | undefined): void {
    if (!this.enabled) return;
    if (who === undefined || who.user === "") throw etcdError("userEmpty");
    const user = this.users.get(who.user);
    if (user === undefined) throw etcdError("userNotFound");
    if (!hasRole(user, ROOT)) throw etcdError("permissionDenied");
  }

  /** Whether requireAdmin passes. */
  isAdmin(who: Identity | undefined): boolean {
    const user = who === undefined ? undefined : this.users.get(who.user);
    return !this.enabled || (user !== undefined && hasRole(user, ROOT));
  }

  #rightsOf(user: User, name: string): Rights {
    let rights = this.#rights.get(name);
    if (rights === undefined) {
      rights = new Rights(user.roles.flatMap((role) => this.roles.get(role)?.keyPermission ?? []));
      this.#rights.set(name, rights);
    }
    return rights;
  }
}

/** Whether a user holds a role. */
export function hasRole(user: User, role: string): boolean {
  return user.roles.includes(role);
}
