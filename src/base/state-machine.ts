/** For each state the states it may move to: a life cycle as data. A state with an empty list is final. */
export type Transitions<S extends string> = Readonly<Record<S, readonly S[]>>;

/** A move the table does not have. */
export class IllegalMove extends Error {
  readonly from: string;
  readonly to: string;

  constructor(what: string, from: string, to: string, allowed: readonly string[]) {
    super(`${what} cannot move from ${from} to ${to} (only to ${allowed.length === 0 ? "nothing: it is final" : allowed.join(", ")})`);
    this.name = "IllegalMove";
    this.from = from;
    this.to = to;
  }
}

/** One thing's state and the table it obeys. */
export class StateMachine<S extends string> {
  readonly #what: string;
  readonly #table: Transitions<S>;
  #state: S;

  /** `what` names the thing in errors: `virtual machine vm-42`. */
  constructor(what: string, table: Transitions<S>, initial: S) {
    this.#what = what;
    this.#table = table;
    this.#state = initial;
  }

  get state(): S {
    return this.#state;
  }

  /** No state follows. */
  get final(): boolean {
    return this.#table[this.#state].length === 0;
  }

  can(next: S): boolean {
    return this.#table[this.#state].includes(next);
  }

  /** Moves on and returns the state left; throws IllegalMove and stays where the table has no such move. */
  moveTo(next: S): S {
    const left = this.#state;
    if (!this.can(next)) throw new IllegalMove(this.#what, left, next, this.#table[left]);
    this.#state = next;
    return left;
  }
}
