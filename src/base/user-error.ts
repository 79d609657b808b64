/** Exit codes of the command line, by what went wrong. */
export const exitCodes = { failed: 1, usage: 2, "cannot-start": 3, "time-out": 4 } as const;

/** A failure that a person can act on: one line what and why, one line what to type next. */
export class UserError extends Error {
  override readonly name = "UserError";

  constructor(
    /** Which exit code it becomes. */
    readonly kind: keyof typeof exitCodes,
    message: string,
    /** What to type or do next; empty when the message says it. */
    readonly next = "",
  ) {
    super(message);
  }
}
