import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { Event } from "../../gen/spheresim/vcenter/v1/event.js";
import { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { KeyValueEntry } from "../store/key-value.js";
import { HISTORY } from "../store/keyspace.js";
import { PageRing } from "../store/page-ring.js";
import type { Store } from "../store/store.js";

/** What is saved comes this long after it happened at the latest. */
const SAVE_AFTER_MS = 1_000;
/** As much as one Txn takes, a page at least; a page of events is about 100 kB, with long names several times that, and etcd takes requests of 1.5 MiB. */
const BYTES_A_TXN = 750_000;

/** What keeping a history needs. */
export interface HistoryOptions {
  readonly store: Pick<Store, "commit">;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/**
 * Events and ended tasks in etcd, so that a restart of vCenter does not forget them: the last 10,000 events and 1,000 tasks at least. Nobody waits
 * for them: they are saved a second later, many in one Txn, so a crash forgets those of its last second.
 */
export class History {
  readonly #options: HistoryOptions;
  readonly #events = new PageRing({ prefix: `${HISTORY}events/`, pages: 101, entriesAPage: 100 });
  readonly #tasks = new PageRing({ prefix: `${HISTORY}ended-tasks/`, pages: 21, entriesAPage: 50 });
  #timer: Timer | undefined;
  #saving: Promise<void> | undefined;
  #closed = false;
  /** Whether the last try failed: of many in a row the first one is told. */
  #fails = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** What was kept, oldest first. */
  restore(entries: readonly KeyValueEntry[]): { readonly events: readonly Event[]; readonly tasks: readonly TaskInfo[] } {
    return { events: this.#events.restore(entries).map((event) => Event.fromJSON(event)), tasks: this.#tasks.restore(entries).map((task) => TaskInfo.fromJSON(task)) };
  }

  addEvent(event: Event): void {
    this.#events.append(Event.toJSON(event));
    this.#soon();
  }

  addTask(task: TaskInfo): void {
    this.#tasks.append(TaskInfo.toJSON(task));
    this.#soon();
  }

  /** Saves what is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#saving;
    await this.#save();
  }

  #soon(): void {
    if (this.#closed || this.#timer !== undefined || this.#saving !== undefined) return;
    this.#timer = this.#options.monotonic.timer(SAVE_AFTER_MS, () => {
      this.#timer = undefined;
      this.#saving = this.#save().finally(() => {
        this.#saving = undefined;
        if (!(this.#events.isSaved && this.#tasks.isSaved)) this.#soon();
      });
    });
  }

  /** What cannot be saved is tried again a second later. */
  async #save(): Promise<void> {
    const { store, log } = this.#options;
    try {
      for (const ring of [this.#events, this.#tasks]) {
        let more = true;
        while (more) more = await ring.save(BYTES_A_TXN, (puts) => store.commit({ puts }));
      }
      this.#fails = false;
    } catch (error) {
      log[this.#fails || this.#closed ? "debug" : "warn"]({ err: error }, "events and ended tasks could not be saved");
      this.#fails = true;
    }
  }
}
