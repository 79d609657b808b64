import type { Clock } from "../../base/clock.js";
import { WorkThread } from "../../base/work-thread.js";
import { etcdError, unclassifiedError } from "../errors.js";

/** To be hashed at a cost, or to be compared with a hash. */
export type PasswordTask = { readonly password: string } & ({ readonly cost: number } | { readonly hash: string });

/** The hash, or whether the password fits. */
export type PasswordAnswer = string | boolean;

/** golang.org/x/crypto/bcrypt's default, and so etcd's. */
const DEFAULT_COST = 10;
/** What bcrypt takes; etcd refuses to hash more. */
const MAX_PASSWORD_BYTES = 72;
/** A hash says itself how long it takes to check; one that takes longer than this holds up everybody's. */
const TASK_LIMIT_MS = 10_000;
const MAX_WAITING = 1_000;

/** bcrypt in a thread of its own, one password after the other. */
export class PasswordHasher {
  readonly #thread: WorkThread<PasswordTask, PasswordAnswer>;
  readonly #cost: number;

  constructor(clock: Clock, cost: number = DEFAULT_COST) {
    const errors = { late: () => etcdError("timeout"), full: () => etcdError("tooManyRequests"), closed: () => etcdError("stopped") };
    this.#thread = new WorkThread({ module: new URL("./password-worker.js", import.meta.url), clock, limitMs: TASK_LIMIT_MS, maxWaiting: MAX_WAITING, errors });
    this.#cost = cost;
  }

  /** The bcrypt hash of a password. */
  async hash(password: string): Promise<Buffer> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) throw unclassifiedError("passwordTooLong");
    return Buffer.from((await this.#thread.do({ password, cost: this.#cost })) as string);
  }

  /** Whether a password has this hash; a text that is no hash fits none. */
  async fits(password: string, hash: Buffer): Promise<boolean> {
    return (await this.#thread.do({ password, hash: hash.toString("latin1") })) as boolean;
  }

  /** Ends the thread; who waits is told that the server stops. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
