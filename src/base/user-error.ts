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

/** Why a file could not be read or written, in words and without Node's own: `no such file or directory`. */
export function fileProblem(error: unknown): string {
  const { message } = error as Error;
  return /^E[A-Z]+: (.*?)(?:, \w+(?: '.*')?)?$/.exec(message)?.[1] ?? message.split("\n", 1)[0] ?? message;
}
