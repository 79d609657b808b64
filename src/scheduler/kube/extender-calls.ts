import type { Clock } from "../../base/clock.js";
import type { FilterAnswer, FilterRequest, SchedulerExtender } from "../extender.js";

export interface ExtenderCallsOptions {
  readonly extender: SchedulerExtender;
  /** Monotonic. */
  readonly clock: Clock;
  /** Longest that one call may take. */
  readonly timeoutMs: number;
  /** Ends the calls under way. */
  readonly closing: AbortSignal;
}

/** Calls an extender, each under a deadline: one that does not answer must not hold up the scheduling of pods. */
export class ExtenderCalls {
  readonly extender: SchedulerExtender;
  readonly #options: ExtenderCallsOptions;

  constructor(options: ExtenderCallsOptions) {
    this.extender = options.extender;
    this.#options = options;
  }

  /** One answer for each request, in their order, in one call where the extender knows batches. */
  async filter(requests: readonly FilterRequest[]): Promise<readonly FilterAnswer[]> {
    const { extender } = this;
    const answers = await this.#call((signal) => (extender.filterBatch === undefined ? inTurn(requests, (request) => extender.filter(request, signal)) : extender.filterBatch(requests, signal)));
    if (answers.length !== requests.length) throw new Error(`${extender.name} answered ${answers.length} of ${requests.length} pods`);
    return answers;
  }

  /** The extender's scores by node; none where it gives none. */
  async prioritize(request: FilterRequest): Promise<ReadonlyMap<string, number>> {
    const { extender } = this;
    return this.#call((signal) => extender.prioritize?.(request, signal) ?? Promise.resolve(new Map<string, number>()));
  }

  async #call<R>(call: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { clock, timeoutMs, closing } = this.#options;
    const abort = new AbortController();
    const late = new Error(`no answer within ${timeoutMs} ms`);
    return new Promise<R>((resolve, reject) => {
      const stop = (reason: Error): void => {
        abort.abort(reason);
        reject(reason);
      };
      const timer = clock.timer(timeoutMs, () => stop(late));
      const onClose = (): void => stop(new Error("the scheduler is closing"));
      closing.addEventListener("abort", onClose, { once: true });
      void call(abort.signal)
        .then(resolve, reject)
        .finally(() => {
          timer.cancel();
          closing.removeEventListener("abort", onClose);
        });
    });
  }
}

async function inTurn<A, R>(items: readonly A[], call: (item: A) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await call(item));
  return results;
}
