import { type Backend, CompactedError, type RangeQuery, type RangeResult, type Row, type RowBatch, type RowEvent, type Swap, type SwapResult } from "../../src/apiserver/storage/backend.js";

/** A store in memory that keeps its history and counts what it is asked. */
export class MemoryBackend implements Backend {
  readonly #history: RowEvent[] = [];
  readonly #wakes = new Set<() => void>();
  revision = 1;
  compacted = 0;
  ranges = 0;
  swaps = 0;

  #at(revision: number): Row[] {
    const rows = new Map<string, Row>();
    for (const event of this.#history) {
      if (event.revision > revision) break;
      if (event.row) rows.set(event.key, event.row);
      else rows.delete(event.key);
    }
    return [...rows.values()].sort((left, right) => (left.key < right.key ? -1 : 1));
  }

  range(query: RangeQuery): Promise<RangeResult> {
    this.ranges++;
    const revision = query.revision || this.revision;
    if (revision < this.compacted) return Promise.reject(new CompactedError(this.compacted));
    const from = "from" in query && query.from !== undefined ? query.from : "";
    const found = this.#at(revision).filter((row) => ("prefix" in query ? row.key.startsWith(query.prefix) && row.key >= from : row.key === query.key));
    const rows = query.limit ? found.slice(0, query.limit) : found;
    return Promise.resolve({ revision: this.revision, rows: query.countOnly ? [] : rows, more: rows.length < found.length, count: found.length });
  }

  swap({ key, expectedRevision, value, along = [] }: Swap): Promise<SwapResult> {
    this.swaps++;
    const rows = this.#at(this.revision);
    const find = (wanted: string): Row | undefined => rows.find((row) => row.key === wanted);
    const previous = find(key);
    const others = along.map((each) => find(each.key));
    const isAsExpected = (previous?.modRevision ?? 0) === expectedRevision && along.every((each, index) => (others[index]?.modRevision ?? 0) === each.expectedRevision);
    if (!isAsExpected) return Promise.resolve({ succeeded: false, revision: this.revision, ...(previous ? { current: previous } : {}), ...(along.length > 0 ? { currentAlong: others } : {}) });
    const revision = ++this.revision;
    this.#write(key, value, revision, previous);
    along.forEach((each, index) => this.#write(each.key, each.value, revision, others[index]));
    for (const wake of this.#wakes) wake();
    return Promise.resolve({ succeeded: true, revision });
  }

  #write(key: string, value: string | undefined, revision: number, previous: Row | undefined): void {
    const row = value === undefined ? undefined : { key, value, createRevision: previous?.createRevision ?? revision, modRevision: revision };
    this.#history.push({ type: row ? "put" : "delete", key, revision, ...(row ? { row } : {}), ...(previous ? { previous } : {}) });
  }

  async *watch(prefix: string, startRevision: number, signal: AbortSignal): AsyncIterable<RowBatch> {
    if (startRevision <= this.compacted) throw new CompactedError(this.compacted);
    let next = startRevision;
    while (!signal.aborted) {
      const events = this.#history.filter((event) => event.revision >= next && event.key.startsWith(prefix));
      next = this.revision + 1;
      if (events.length > 0) yield { revision: this.revision, events };
      else {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            this.#wakes.delete(wake);
            signal.removeEventListener("abort", wake);
            resolve();
          };
          this.#wakes.add(wake);
          signal.addEventListener("abort", wake);
        });
      }
    }
  }

  grantLease(): Promise<bigint> {
    return Promise.resolve(7n);
  }
}
