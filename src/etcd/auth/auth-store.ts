import { type Clock, wallClock } from "../../base/clock.js";
import { Role, User } from "../../gen/etcd/authpb/auth.js";
import { etcdError, unclassifiedError } from "../errors.js";
import { allRoles, allUsers, AUTH, roleKey, userKey } from "../storage/keyspace.js";
import type { Store } from "../kv/store.js";
import type { Table, TableRange, TableWrite } from "../storage/table.js";
import { disable } from "./auth-changes.js";
import { AuthState, type Identity } from "./auth-state.js";
import { type JwtOptions, JwtTokens } from "./jwt-tokens.js";
import { PasswordHasher } from "./password-hasher.js";
import { DEFAULT_TOKEN_TTL_MS, SimpleTokens } from "./simple-tokens.js";
import { noTokens, type Tokens } from "./tokens.js";

/** Revision of users and roles before the first change. */
const FIRST_REVISION = 1n;
const CHUNK_ROWS = 1_000;

/** What etcd's flags say of passwords and tokens. */
export interface AuthOptions {
  /** What users get for their password (--auth-token): simple tokens when absent, none, or JSON Web Tokens. */
  readonly tokens?: "simple" | "none" | JwtOptions;
  /** How long an unused simple token stays valid (--auth-token-ttl); 300 s when absent. */
  readonly tokenTtlMs?: number | undefined;
  /** Cost of new password hashes (--bcrypt-cost), 4 to 31: each one more takes twice as long; 10 when absent. */
  readonly bcryptCost?: number | undefined;
}

/**
 * Users, roles and who is signed in (etcd's auth store). Changes go through the store's sequencer: writes behind a change are judged by
 * it (`newest`), reads and tokens by what is durable (`state`).
 */
export class AuthStore {
  readonly passwords: PasswordHasher;
  readonly #store: Store;
  readonly #tokens: Tokens;
  #newest: AuthState;
  #durable: AuthState;

  private constructor(store: Store, clock: Clock, state: AuthState, options: AuthOptions) {
    this.#store = store;
    this.#tokens = tokensOf(clock, options);
    this.passwords = new PasswordHasher(clock, options.bcryptCost);
    this.#newest = this.#durable = state;
  }

  /** Reads users and roles of the last run. `clock` is the monotonic one. */
  static async open(store: Store, clock: Clock, options: AuthOptions = {}): Promise<AuthStore> {
    const { table } = store;
    const [enabled, revision] = [table.get(AUTH.enabled), table.get(AUTH.revision)];
    // Etcd writes this row when it makes its database, so that is what a snapshot has to hold.
    if (revision === undefined) await table.write([{ type: "put", key: AUTH.revision, value: uint64(FIRST_REVISION) }], true);
    const state = new AuthState({
      enabled: enabled?.[0] === 1,
      revision: revision?.readBigUInt64BE(0) ?? FIRST_REVISION,
      users: new Map((await read(table, allUsers(), (bytes) => User.decode(bytes))).map((user) => [user.name.toString(), user])),
      roles: new Map((await read(table, allRoles(), (bytes) => Role.decode(bytes))).map((role) => [role.name.toString(), role])),
    });
    return new AuthStore(store, clock, state, options);
  }

  /** Users and roles as they are on disk. */
  get state(): AuthState {
    return this.#durable;
  }

  /** Users and roles with all changes that are under way. */
  get newest(): AuthState {
    return this.#newest;
  }

  /** Makes the next state; only who has the role root may. Resolves when it is durable. */
  async change(who: Identity | undefined, apply: (state: AuthState) => AuthState): Promise<void> {
    const after = await this.#store.write((txn) => {
      this.#newest.requireAdmin(who);
      const next = apply(this.#newest);
      for (const write of rowsBetween(this.#newest, next)) txn.alsoWrite(write);
      this.#newest = next;
      return next;
    });
    this.#durable = after;
  }

  /** Turns authentication off and ends all tokens. */
  async disable(who: Identity | undefined): Promise<void> {
    await this.change(who, disable);
    this.#tokens.endAll();
  }

  /** Ends what a user signed in with. */
  signOut(user: string): void {
    this.#tokens.endUser(user);
  }

  /** A token for a user who knows the password; `index` is the number in it. */
  async authenticate(name: string, password: string, index: () => bigint): Promise<string> {
    for (;;) {
      const { enabled, revision, users } = this.#durable;
      if (!enabled) throw etcdError("authNotEnabled");
      const user = users.get(name);
      if (user === undefined) throw etcdError("authFailed");
      if (user.options?.noPassword === true) throw unclassifiedError("noPasswordUser");
      if (!(await this.passwords.fits(password, user.password))) throw etcdError("authFailed");
      // The password was right at that revision; if it is no longer the newest, the question is open again.
      const token = await this.#store.write(() => (this.#newest.revision === revision ? this.#tokens.assign(name, index(), revision) : undefined));
      if (token !== undefined) return token;
    }
  }

  /** Whose token it is; throws etcd's error if it is nobody's. */
  holderOf(token: string): Identity {
    const holder = this.#tokens.use(token);
    if (holder === undefined) throw etcdError("invalidAuthToken");
    return { user: holder.user, authRevision: holder.authRevision ?? this.#durable.revision };
  }

  async close(): Promise<void> {
    this.#tokens.endAll();
    await this.passwords.close();
  }
}

function tokensOf(clock: Clock, { tokens = "simple", tokenTtlMs = DEFAULT_TOKEN_TTL_MS }: AuthOptions): Tokens {
  if (tokens === "simple") return new SimpleTokens(clock, tokenTtlMs);
  return tokens === "none" ? noTokens : new JwtTokens(tokens, wallClock());
}

/** What is to be written to get from one state to the next. */
function rowsBetween(before: AuthState, after: AuthState): TableWrite[] {
  const writes: TableWrite[] = [];
  if (before.enabled !== after.enabled) writes.push({ type: "put", key: AUTH.enabled, value: Buffer.from([after.enabled ? 1 : 0]) });
  if (before.revision !== after.revision) writes.push({ type: "put", key: AUTH.revision, value: uint64(after.revision) });
  for (const [name, user] of after.users) if (before.users.get(name) !== user) writes.push({ type: "put", key: userKey(name), value: Buffer.from(User.encode(user).finish()) });
  for (const name of before.users.keys()) if (!after.users.has(name)) writes.push({ type: "del", key: userKey(name) });
  for (const [name, role] of after.roles) if (before.roles.get(name) !== role) writes.push({ type: "put", key: roleKey(name), value: Buffer.from(Role.encode(role).finish()) });
  for (const name of before.roles.keys()) if (!after.roles.has(name)) writes.push({ type: "del", key: roleKey(name) });
  return writes;
}

async function read<T>(table: Table, range: TableRange, decode: (bytes: Buffer) => T): Promise<T[]> {
  const messages: T[] = [];
  for await (const rows of table.scan(range, CHUNK_ROWS)) for (const [, value] of rows) messages.push(decode(value));
  return messages;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
