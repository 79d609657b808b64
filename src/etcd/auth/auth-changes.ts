import { type Permission, type Role, type User, UserAddOptions } from "../../gen/etcd/authpb/auth.js";
import type { AuthUserGrantRoleRequest, AuthUserRevokeRoleRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import { etcdError } from "../errors.js";
import { AuthState, hasRole, ROOT } from "./auth-state.js";

const EMPTY = Buffer.alloc(0);

/** Authentication on; alone among the changes it takes no revision. */
export function enable(state: AuthState): AuthState {
  if (state.enabled) return state;
  const root = state.users.get(ROOT);
  if (root === undefined) throw etcdError("rootUserMissing");
  if (!hasRole(root, ROOT)) throw etcdError("rootRoleMissing");
  const { revision, users, roles } = state;
  return new AuthState({ enabled: true, revision, users, roles });
}

/** Authentication off. */
export function disable(state: AuthState): AuthState {
  return state.enabled ? state.changed({ enabled: false }) : state;
}

/** A new user without roles; `hash` is empty for one without a password. */
export function addUser(state: AuthState, name: string, hash: Buffer, options: UserAddOptions | undefined): AuthState {
  if (name === "") throw etcdError("userEmpty");
  if (state.users.has(name)) throw etcdError("userExists");
  return withUser(state, name, { name: Buffer.from(name), password: hash, roles: [], options: options ?? UserAddOptions.create() });
}

/** A user no more. While authentication is on, root stays. */
export function deleteUser(state: AuthState, name: string): AuthState {
  if (state.enabled && name === ROOT) throw etcdError("invalidAuthManagement");
  userOf(state, name);
  const users = new Map(state.users);
  users.delete(name);
  return state.changed({ users });
}

/** Another password; a user without one stays so. `hash` may throw. */
export function changePassword(state: AuthState, name: string, hash: () => Buffer): AuthState {
  const user = userOf(state, name);
  return withUser(state, name, { ...user, password: user.options?.noPassword === true ? EMPTY : hash() });
}

/** A role for a user. The role root needs not exist; a role the user has already is no change. */
export function grantRole(state: AuthState, { user: name, role }: AuthUserGrantRoleRequest): AuthState {
  const user = userOf(state, name);
  if (role !== ROOT && !state.roles.has(role)) throw etcdError("roleNotFound");
  return hasRole(user, role) ? state : withUser(state, name, { ...user, roles: inByteOrder([...user.roles, role]) });
}

/** A role taken from a user. While authentication is on, root stays root. */
export function revokeRole(state: AuthState, { name, role }: AuthUserRevokeRoleRequest): AuthState {
  if (state.enabled && name === ROOT && role === ROOT) throw etcdError("invalidAuthManagement");
  const user = userOf(state, name);
  if (!hasRole(user, role)) throw etcdError("roleNotGranted");
  return withUser(state, name, without(user, role));
}

/** A new role without permissions. */
export function addRole(state: AuthState, name: string): AuthState {
  if (name === "") throw etcdError("roleEmpty");
  if (state.roles.has(name)) throw etcdError("roleExists");
  return withRole(state, name, { name: Buffer.from(name), keyPermission: [] });
}

/** A role no more, and taken from all users. While authentication is on, root stays. */
export function deleteRole(state: AuthState, name: string): AuthState {
  if (state.enabled && name === ROOT) throw etcdError("invalidAuthManagement");
  roleOf(state, name);
  const roles = new Map(state.roles);
  roles.delete(name);
  const users = new Map(state.users);
  for (const [userName, user] of users) if (hasRole(user, name)) users.set(userName, without(user, name));
  return state.changed({ roles, users });
}

/**
 * A permission for a role; the same range again gets the new kind. Of several ranges that begin at one key etcd finds only the first
 * again, and lists the others twice.
 */
export function grantPermission(state: AuthState, name: string, permission: Permission | undefined): AuthState {
  if (permission === undefined) throw etcdError("permissionNotGiven");
  if (!isValidRange(permission)) throw etcdError("invalidAuthManagement");
  const role = roleOf(state, name);
  const first = role.keyPermission.find(({ key }) => Buffer.compare(key, permission.key) >= 0);
  const again = first !== undefined && sameRange(first, permission);
  const keyPermission = again
    ? role.keyPermission.map((other) => (other === first ? permission : other))
    : [...role.keyPermission, permission].sort((a, b) => Buffer.compare(a.key, b.key));
  return withRole(state, name, { ...role, keyPermission });
}

/** A permission taken from a role: the very range that was granted. */
export function revokePermission(state: AuthState, name: string, range: Pick<Permission, "key" | "rangeEnd">): AuthState {
  const role = roleOf(state, name);
  const keyPermission = role.keyPermission.filter((permission) => !sameRange(permission, range));
  if (keyPermission.length === role.keyPermission.length) throw etcdError("permissionNotGranted");
  return withRole(state, name, { ...role, keyPermission });
}

/** A user who exists. */
export function userOf(state: AuthState, name: string): User {
  const user = state.users.get(name);
  if (user === undefined) throw etcdError("userNotFound");
  return user;
}

/** A role that exists. */
export function roleOf(state: AuthState, name: string): Role {
  const role = state.roles.get(name);
  if (role === undefined) throw etcdError("roleNotFound");
  return role;
}

/** Names in the order of their bytes, which is not that of JavaScript's strings. */
export function inByteOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function withUser(state: AuthState, name: string, user: User): AuthState {
  return state.changed({ users: new Map(state.users).set(name, user) });
}

function withRole(state: AuthState, name: string, role: Role): AuthState {
  return state.changed({ roles: new Map(state.roles).set(name, role) });
}

function without(user: User, role: string): User {
  return { ...user, roles: user.roles.filter((other) => other !== role) };
}

function isValidRange({ key, rangeEnd }: Permission): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || Buffer.compare(key, rangeEnd) < 0 || (rangeEnd.length === 1 && rangeEnd[0] === 0);
}

function sameRange(a: Pick<Permission, "key" | "rangeEnd">, b: Pick<Permission, "key" | "rangeEnd">): boolean {
  return a.key.equals(b.key) && a.rangeEnd.equals(b.rangeEnd);
}
