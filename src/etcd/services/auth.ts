import { AuthService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import type { ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import { type Call, serve, type ServedService } from "../../rpc/server.js";
import * as changes from "../auth/auth-changes.js";
import { type AuthState, hasRole } from "../auth/auth-state.js";
import { unclassifiedError } from "../errors.js";
import type { Room } from "./room.js";

const EMPTY = Buffer.alloc(0);

/** etcdserverpb.Auth. */
export function authService({ auth, gate, store, member, raftIndex }: Room): ServedService {
  const headed = (): { header: ResponseHeader } => ({ header: member.headerAt(store.revision) });
  const change = async (call: Call, apply: (state: AuthState) => AuthState): Promise<{ header: ResponseHeader }> => {
    await auth.change(gate.identify(call), apply);
    return headed();
  };
  /** The state, for a caller with the role root or one that `own` lets through. */
  const readable = (call: Call, own: (state: AuthState, user: string) => boolean): AuthState => {
    const who = gate.identify(call);
    if (!own(auth.state, who?.user ?? "")) auth.state.requireAdmin(who);
    return auth.state;
  };

  return serve(AuthService, {
    authEnable: (_, call) => change(call, changes.enable),
    authDisable: async (_, call) => {
      await auth.disable(gate.identify(call));
      return headed();
    },
    authStatus: (_, call) => {
      const { enabled, revision } = readable(call, () => false);
      return { ...headed(), enabled, authRevision: revision };
    },
    authenticate: async ({ name, password }) => {
      const token = await auth.authenticate(name, password, raftIndex);
      return { ...headed(), token };
    },

    userAdd: async ({ name, password, options }, call) => {
      const hash = options?.noPassword === true ? EMPTY : await auth.passwords.hash(password);
      return change(call, (state) => changes.addUser(state, name, hash, options));
    },
    userGet: ({ name }, call) => {
      const state = readable(call, (_, user) => user === name);
      return { ...headed(), roles: changes.userOf(state, name).roles };
    },
    userList: (_, call) => ({ ...headed(), users: changes.inByteOrder(readable(call, () => false).users.keys()) }),
    userDelete: async ({ name }, call) => {
      const response = await change(call, (state) => changes.deleteUser(state, name));
      auth.signOut(name);
      return response;
    },
    userChangePassword: async ({ name, password, hashedPassword }, call) => {
      const hash = password === "" ? undefined : await auth.passwords.hash(password);
      const response = await change(call, (state) => changes.changePassword(state, name, () => hash ?? givenHash(hashedPassword)));
      auth.signOut(name);
      return response;
    },
    userGrantRole: (request, call) => change(call, (state) => changes.grantRole(state, request)),
    userRevokeRole: (request, call) => change(call, (state) => changes.revokeRole(state, request)),

    roleAdd: ({ name }, call) => change(call, (state) => changes.addRole(state, name)),
    roleGet: ({ role }, call) => {
      const state = readable(call, ({ users }, name) => {
        const user = users.get(name);
        return user !== undefined && hasRole(user, role);
      });
      return { ...headed(), perm: changes.roleOf(state, role).keyPermission };
    },
    roleList: (_, call) => ({ ...headed(), roles: changes.inByteOrder(readable(call, () => false).roles.keys()) }),
    roleDelete: ({ role }, call) => change(call, (state) => changes.deleteRole(state, role)),
    roleGrantPermission: ({ name, perm }, call) => change(call, (state) => changes.grantPermission(state, name, perm)),
    roleRevokePermission: ({ role, key, rangeEnd }, call) => change(call, (state) => changes.revokePermission(state, role, { key, rangeEnd })),
  });
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A hash that a client brings itself, in base64; etcd's own words for what is not base64 are odd. */
function givenHash(text: string): Buffer {
  if (!BASE64.test(text)) throw unclassifiedError("noPasswordUser");
  return Buffer.from(text, "base64");
}
