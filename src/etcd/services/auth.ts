import { AuthService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import type { ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import { type Call, serve, type ServedService } from "../../rpc/server.js";
import * as changes from "../auth/auth-changes.js";
import { type AuthState, hasRole } from "../auth/auth-state.js";
import { unclassifiedError } from "../errors.js";
import { RequestSizes } from "./request-size.js";
import type { Room } from "./room.js";

const EMPTY = Buffer.alloc(0);

/** etcdserverpb.Auth. */
export function authService({ auth, gate, store, member, raftIndex, maxRequestBytes }: Room): ServedService {
  const sizes = new RequestSizes(maxRequestBytes);
  const headed = (): { header: ResponseHeader } => ({ header: member.headerAt(store.revision) });
  const change = async (request: object, call: Call, apply: (state: AuthState) => AuthState): Promise<{ header: ResponseHeader }> => {
    const who = gate.identify(call);
    sizes.check(request);
    await auth.change(who, apply);
    return headed();
  };
  /** The state, for a caller with the role root or one that `own` lets through. */
  const readable = (call: Call, own: (state: AuthState, user: string) => boolean): AuthState => {
    const who = gate.identify(call);
    if (!own(auth.state, who?.user ?? "")) auth.state.requireAdmin(who);
    return auth.state;
  };

  return serve(sizes.watchAll(AuthService), {
    authEnable: (request, call) => change(request, call, changes.enable),
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

    userAdd: async (request, call) => {
      const { name, password, options } = request;
      const hash = options?.noPassword === true ? EMPTY : await auth.passwords.hash(password);
      return change(request, call, (state) => changes.addUser(state, name, hash, options));
    },
    userGet: ({ name }, call) => {
      const state = readable(call, (_, user) => user === name);
      return { ...headed(), roles: changes.userOf(state, name).roles };
    },
    userList: (_, call) => ({ ...headed(), users: changes.inByteOrder(readable(call, () => false).users.keys()) }),
    userDelete: async (request, call) => {
      const response = await change(request, call, (state) => changes.deleteUser(state, request.name));
      auth.signOut(request.name);
      return response;
    },
    userChangePassword: async (request, call) => {
      const { name, password, hashedPassword } = request;
      const hash = password === "" ? undefined : await auth.passwords.hash(password);
      const response = await change(request, call, (state) => changes.changePassword(state, name, () => hash ?? givenHash(hashedPassword)));
      auth.signOut(name);
      return response;
    },
    userGrantRole: (request, call) => change(request, call, (state) => changes.grantRole(state, request)),
    userRevokeRole: (request, call) => change(request, call, (state) => changes.revokeRole(state, request)),

    roleAdd: (request, call) => change(request, call, (state) => changes.addRole(state, request.name)),
    roleGet: ({ role }, call) => {
      const state = readable(call, ({ users }, name) => {
        const user = users.get(name);
        return user !== undefined && hasRole(user, role);
      });
      return { ...headed(), perm: changes.roleOf(state, role).keyPermission };
    },
    roleList: (_, call) => ({ ...headed(), roles: changes.inByteOrder(readable(call, () => false).roles.keys()) }),
    roleDelete: (request, call) => change(request, call, (state) => changes.deleteRole(state, request.role)),
    roleGrantPermission: (request, call) => change(request, call, (state) => changes.grantPermission(state, request.name, request.perm)),
    roleRevokePermission: (request, call) => change(request, call, (state) => changes.revokePermission(state, request.role, request)),
  });
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A hash that a client brings itself, in base64; etcd's own words for what is not base64 are odd. */
function givenHash(text: string): Buffer {
  if (!BASE64.test(text)) throw unclassifiedError("noPasswordUser");
  return Buffer.from(text, "base64");
}
