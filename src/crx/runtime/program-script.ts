import { parseGoDuration } from "../../base/go-duration.js";
import { Quantity, QuantityError } from "../../base/quantity.js";
import { containerAnnotations } from "../../kubernetes/container-annotations.js";
import { RuntimeError } from "./container-runtime.js";
import type { Program } from "./program.js";

type Change = (text: string, attempt: number, before: Program, all: Readonly<Record<string, string>>, limitMemoryBytes: number) => Partial<Program>;

const { profile, exitCode, exitsAfter, oomKilled, startError, onTerm, termTakes, startedAfter, readyAfter, unreadyAfter, livenessFailsAfter, answerTakes, cpu, memory } = containerAnnotations;

/** What each annotation changes of a program. */
const changes: Readonly<Record<string, Change>> = {
  // It has chosen the program already.
  [profile]: () => ({}),
  [exitsAfter]: (text) => ({ runsMs: milliseconds(exitsAfter, text), exitCode: 0 }),
  [exitCode]: (text, attempt, before, all) => {
    const list = text.split(",").map((part) => part.trim());
    const now = list[Math.min(attempt, list.length - 1)] ?? "";
    for (const part of list) if (part !== "stays") codeOf(exitCode, part);
    if (now === "stays") return { runsMs: Number.POSITIVE_INFINITY };
    return { exitCode: codeOf(exitCode, now), runsMs: all[exitsAfter] === undefined ? 0 : before.runsMs };
  },
  [oomKilled]: (text) => {
    if (text !== "true" && text !== "false") throw refusal(oomKilled, text, "must be true or false");
    return text === "true" ? { oomKilled: true, exitCode: 137 } : { oomKilled: false };
  },
  [startError]: (text) => ({ startError: text }),
  [onTerm]: (text) => ({ onTerm: text === "ignored" ? "ignored" : { exitCode: codeOf(onTerm, text) } }),
  [termTakes]: (text) => ({ termTakesMs: milliseconds(termTakes, text) }),
  [startedAfter]: (text) => ({ startedAfterMs: milliseconds(startedAfter, text) }),
  [readyAfter]: (text) => ({ readyAfterMs: milliseconds(readyAfter, text) }),
  [unreadyAfter]: (text) => ({ unreadyAfterMs: milliseconds(unreadyAfter, text) }),
  [livenessFailsAfter]: (text) => ({ livenessFailsAfterMs: milliseconds(livenessFailsAfter, text) }),
  [answerTakes]: (text) => ({ answerTakesMs: milliseconds(answerTakes, text) }),
  [cpu]: (text) => ({ cpuMilli: Number(amount(cpu, text, "250m").milliValue()) }),
  [memory]: (text, _attempt, before, all, limitMemoryBytes) => {
    const memoryBytes = Number(amount(memory, text, "64Mi").value());
    if (limitMemoryBytes === 0 || memoryBytes <= limitMemoryBytes) return { memoryBytes };
    return { memoryBytes, oomKilled: true, exitCode: 137, runsMs: all[exitsAfter] === undefined ? 0 : before.runsMs };
  },
};

/**
 * A program as the pod's annotations would have it at its `attempt`-th start, from 0; `limitMemoryBytes` 0 is no limit.
 *
 * Worked example: `exit-code: "1,stays"` and `exits-after: 5s` make it exit with 1 after 5 s, and at its second start stay up.
 *
 * @throws RuntimeError naming an annotation that is not known or cannot be read
 */
export function scripted(program: Program, annotations: Readonly<Record<string, string>>, attempt: number, limitMemoryBytes = 0): Program {
  for (const [name, text] of Object.entries(annotations)) if (!Object.hasOwn(changes, name)) throw refusal(name, text, `not known; known are ${Object.keys(changes).join(", ")}`);
  let now = program;
  for (const [name, change] of Object.entries(changes)) {
    const text = annotations[name];
    if (text !== undefined) now = { ...now, ...change(text, attempt, now, annotations, limitMemoryBytes) };
  }
  return now;
}

function milliseconds(name: string, text: string): number {
  const ms = parseGoDuration(text);
  if (ms === undefined) throw refusal(name, text, "must be a duration such as 30s or 1m30s");
  return ms;
}

function amount(name: string, text: string, example: string): Quantity {
  const quantity = readQuantity(text);
  if (quantity === undefined || quantity.nano < 0n) throw refusal(name, text, `must be a quantity such as ${example}`);
  return quantity;
}

function readQuantity(text: string): Quantity | undefined {
  try {
    return Quantity.parse(text);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

function codeOf(name: string, text: string): number {
  const code = /^\d{1,3}$/.test(text) ? Number(text) : 256;
  if (code > 255) throw refusal(name, text, "must be an exit code from 0 to 255");
  return code;
}

function refusal(name: string, text: string, why: string): RuntimeError {
  return new RuntimeError("CreateContainerError", `annotation ${name} "${text}": ${why}`);
}
