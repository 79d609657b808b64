import type { Call } from "../../rpc/server.js";
import type { Numbered, Ring } from "../ring.js";

/** Changes that do not concern a watcher that are passed over before it is told how far it is. */
const BOOKMARK_AFTER = 500;

/** What a watch of a ring tells. */
export interface RingWatch<C extends Numbered> {
  readonly ring: Ring<C>;
  /** Where to go on; empty for the beginning. */
  readonly resumeToken: string;
  /** Tells what there is, for a watch from the beginning. */
  tellPresent(): Promise<void>;
  /** Whether a change concerns the watcher. */
  shows(change: C): boolean;
  tell(change: C): Promise<void>;
  /** Everything up to here was told. */
  synced(resumeToken: string, revision: bigint): Promise<void>;
  /** Nothing that concerns the watcher was up to here. */
  bookmark(resumeToken: string, revision: bigint): Promise<void>;
}

/** First what exists (or what changed since the token), then SYNCED, then every change at the pace of the reader. `tellPresent` begins in the same turn. */
export async function followRing<C extends Numbered>(watch: RingWatch<C>, call: Call): Promise<void> {
  const { ring, resumeToken } = watch;
  let position = resumeToken === "" ? ring.revision : ring.position(resumeToken);
  const target = ring.revision;
  if (resumeToken === "") await watch.tellPresent();
  let synced = false;
  let passed = 0;
  while (!call.signal.aborted) {
    if (!synced && position >= target) {
      await watch.synced(ring.token(position), position);
      synced = true;
    }
    const change = ring.after(position);
    if (change === undefined) {
      await nextChange(ring, call.signal);
      continue;
    }
    position = change.revision;
    if (watch.shows(change)) {
      await watch.tell(change);
      passed = 0;
    } else if (++passed >= BOOKMARK_AFTER) {
      await watch.bookmark(ring.token(position), position);
      passed = 0;
    }
  }
}

function nextChange(ring: Pick<Ring<Numbered>, "changed">, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
    void ring.changed().then(done);
  });
}
