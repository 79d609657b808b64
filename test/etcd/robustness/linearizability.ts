import { isDeepStrictEqual } from "node:util";
import type { History, Operation, Output } from "./history.js";
import type { KvModel } from "./kv-model.js";

type Answered = Operation & { readonly output: Exclude<Output, { readonly refused: string }>; readonly return: number };

/**
 * Checks that the calls are linearizable, against the ledger as the order of all changes.
 *
 * Proved, if nothing is found: there is one total order of all calls that were answered and some that were not, which (1) agrees with real
 * time, a call that returned before another began coming first, and (2) run one after another on an empty store gives every answer that
 * was given: changes in the order of their revisions, each read after the change whose revision its header names. In particular every
 * acknowledged change is in the ledger, at its revision, once; and every revision of the ledger is explained by exactly one call, made
 * early enough. So no acknowledged change is lost or done twice, and none appears from nowhere.
 *
 * The order is given by the revisions and need not be searched for. An answer with a wrong header revision is therefore reported even
 * where some other order would explain it; that is wanted, etcd promises the revision.
 *
 * Not proved: anything of a call that had no answer and no effect; durability against a power cut (the tests kill the process, not the
 * kernel); the moment at which a lease ends by itself (no lease of a run does); serializable reads (none are made).
 */
export function checkLinearizable({ operations }: History, model: KvModel): string[] {
  const violations = [...model.violations];
  const claims = new Map<number, Operation>();
  const answered = operations.filter(isAnswered);
  const before = positionsBefore(answered);

  for (const operation of answered) {
    const { input, output } = operation;
    const name = describe(operation);
    if (output.revision > model.last) {
      violations.push(`${name} was answered at revision ${output.revision}, history ends at ${model.last}`);
      continue;
    }
    const bound = before(operation.call);
    const changes = input.kind === "put" || (input.kind === "delete" && (output.deleted ?? 0) > 0) || (input.kind === "txn" && output.succeeded === true && input.puts.length > 0);
    if (changes) {
      const other = claims.get(output.revision);
      if (other !== undefined) violations.push(`${name} and ${describe(other)} were both acknowledged at revision ${output.revision}`);
      claims.set(output.revision, operation);
      if (output.revision <= bound) violations.push(`${name} got revision ${output.revision}, but began after revision ${bound} had been told`);
      violations.push(...wrongChange(operation, model, name));
    } else {
      if (output.revision < bound) violations.push(`${name} was answered at revision ${output.revision}, but began after revision ${bound} had been told`);
      violations.push(...wrongAnswer(operation, model, name));
    }
  }
  violations.push(...wrongRefusals(operations));
  violations.push(...unexplained(operations, claims, model, before));
  return violations;
}

function isAnswered(operation: Operation): operation is Answered {
  return operation.output !== undefined && operation.return !== undefined && !("refused" in operation.output);
}

/** The highest revision that any call returned before a moment had told. */
function positionsBefore(answered: readonly Answered[]): (call: number) => number {
  const sorted = [...answered].sort((a, b) => a.return - b.return);
  const highest: number[] = [];
  for (const { output } of sorted) highest.push(Math.max(highest.at(-1) ?? 0, output.revision));
  return (call) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as Answered).return < call) low = middle + 1;
      else high = middle;
    }
    return highest[low - 1] ?? 0;
  };
}

function wrongChange({ input, output }: Answered, model: KvModel, name: string): string[] {
  const should = model.effectsOf(input, output.revision - 1);
  const has = model.effectsAt(output.revision);
  const violations = isDeepStrictEqual(should, has) ? [] : [`${name} was acknowledged at revision ${output.revision}, where history has ${JSON.stringify(has)} instead of ${JSON.stringify(should)}`];
  if (input.kind === "delete" && output.deleted !== should.length) violations.push(`${name} says it deleted ${output.deleted}, history says ${should.length}`);
  return violations;
}

function wrongAnswer({ input, output }: Answered, model: KvModel, name: string): string[] {
  const { revision } = output;
  switch (input.kind) {
    case "range":
      return samePairs(output, model.range(input.key, input.end, input.revision === 0 ? revision : input.revision), name);
    case "delete":
      return model.range(input.key, input.end, revision).length === 0 ? [] : [`${name} deleted nothing at revision ${revision}, where its range is not empty`];
    case "txn":
      if (output.succeeded === model.compareHolds(input, revision)) return output.succeeded ? [] : samePairs(output, model.range(input.key, "", revision), name);
      return [`${name} answered ${output.succeeded} at revision ${revision}, where history says the contrary`];
    case "put":
    case "grant":
    case "revoke":
    case "compact":
      return [];
  }
}

function samePairs(output: Answered["output"], should: unknown, name: string): string[] {
  return isDeepStrictEqual(output.pairs, should) ? [] : [`${name} read ${JSON.stringify(output.pairs)} at revision ${output.revision}, history has ${JSON.stringify(should)}`];
}

/** Refusals that were not due, and answers where a refusal was. */
function wrongRefusals(operations: readonly Operation[]): string[] {
  const violations: string[] = [];
  const compactions = operations.flatMap((operation) => (operation.input.kind === "compact" ? [{ ...operation, revision: operation.input.revision }] : []));
  const ofLease = (kind: "grant" | "revoke", lease: number): Operation | undefined => operations.find(({ input }) => input.kind === kind && input.lease === lease);
  for (const operation of operations) {
    const { input, output } = operation;
    const name = describe(operation);
    const refused = output !== undefined && "refused" in output ? output.refused : undefined;
    const returned = operation.return ?? Infinity;
    if (refused?.includes("future revision")) violations.push(`${name} was refused: ${refused}; revisions went back`);
    if (input.kind === "range" && input.revision > 0 && output !== undefined) {
      const due = compactions.find((compaction) => compaction.return !== undefined && compaction.return < operation.call && compaction.output !== undefined && !("refused" in compaction.output) && compaction.revision > input.revision);
      if (due !== undefined && refused === undefined) violations.push(`${name} was answered, though the compaction at ${due.revision} was acknowledged before`);
      const possible = compactions.some((compaction) => compaction.call < returned && compaction.revision > input.revision);
      if (refused?.includes("compacted") && !possible) violations.push(`${name} was refused: ${refused}; nobody had compacted so far`);
    }
    if (input.kind === "put" && input.lease !== 0 && output !== undefined) {
      const [grant, revoke] = [ofLease("grant", input.lease), ofLease("revoke", input.lease)];
      if (refused?.includes("lease not found") && grant?.return !== undefined && grant.return < operation.call && (revoke === undefined || revoke.call > returned)) violations.push(`${name} was refused, though the lease was granted before and not revoked: the lease is lost`);
      if (refused === undefined && revoke?.output !== undefined && !("refused" in revoke.output) && (revoke.return ?? Infinity) < operation.call) violations.push(`${name} was acknowledged on a lease revoked before`);
    }
  }
  return violations;
}

/** Revisions that no call explains. Calls without a revision of their own (unanswered ones, revocations) may each explain one. */
function unexplained(operations: readonly Operation[], claims: ReadonlyMap<number, Operation>, model: KvModel, before: (call: number) => number): string[] {
  const open: number[] = [];
  for (let revision = 2; revision <= model.last; revision += 1) if (!claims.has(revision)) open.push(revision);
  const candidates = operations.filter(({ input, output }) => output === undefined || (input.kind === "revoke" && !("refused" in output))).map((operation) => ({ operation, bound: before(operation.call) }));
  const explains = open.map((revision) => {
    const has = model.effectsAt(revision);
    return candidates.flatMap(({ operation: { input, output }, bound }, index) => {
      if (bound >= revision || (output !== undefined && "revision" in output && output.revision < revision)) return [];
      return isDeepStrictEqual(model.effectsOf(input, revision - 1), has) ? [index] : [];
    });
  });
  const unmatched = unmatchedRows(explains);
  return unmatched.map((row) => `revision ${open[row]} has ${JSON.stringify(model.effectsAt(open[row] as number))}, which no call explains`);
}

/** Rows left without a partner by a largest matching (augmenting paths); row i may be matched with the columns `choices[i]`. */
function unmatchedRows(choices: readonly (readonly number[])[]): number[] {
  const rowOf = new Map<number, number>();
  const place = (row: number, visited: Set<number>): boolean => {
    for (const column of choices[row] ?? []) {
      if (visited.has(column)) continue;
      visited.add(column);
      const holder = rowOf.get(column);
      if (holder !== undefined && !place(holder, visited)) continue;
      rowOf.set(column, row);
      return true;
    }
    return false;
  };
  return choices.flatMap((_, row) => (place(row, new Set()) ? [] : [row]));
}

function describe({ client, input, call }: Operation): string {
  return `client ${client}'s ${JSON.stringify(input)} at ${call.toFixed(1)} ms`;
}
