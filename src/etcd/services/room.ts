import type { Clock } from "../../base/clock.js";
import type { Dice } from "../../base/seeded-random.js";
import type { Admission } from "../kv/admission.js";
import type { Alarms } from "../member/alarms.js";
import type { AuthStore } from "../auth/auth-store.js";
import type { Downgrade } from "../member/downgrade.js";
import type { Lessor } from "../lease/lessor.js";
import type { LongReads } from "../kv/long-reads.js";
import type { Member } from "../member/member.js";
import type { Store } from "../kv/store.js";
import type { WatchHub } from "../watch/watch-hub.js";
import type { WatchStream } from "../watch/watch-stream.js";
import type { Gate } from "./gate.js";

/** What the services of this room work on. */
export interface Room {
  readonly member: Member;
  readonly store: Store;
  /** Ranges that need more than one stretch. */
  readonly longReads: LongReads;
  readonly lessor: Lessor;
  readonly hub: WatchHub;
  readonly alarms: Alarms;
  readonly downgrade: Downgrade;
  readonly admission: Admission;
  readonly auth: AuthStore;
  readonly gate: Gate;
  readonly clock: Clock;
  /** Time between two progress notices of a silent watch. */
  readonly progressIntervalMs: number;
  /** What spreads those notices; they come exactly then when absent. */
  readonly dice: Dice | undefined;
  /** The streams of watches that are open. */
  readonly watchStreams: Set<WatchStream>;
  /** Operations one level of a Txn may hold (etcd --max-txn-ops). */
  readonly maxTxnOps: number;
  /** Largest write in bytes (etcd --max-request-bytes). */
  readonly maxRequestBytes: number;
  /** Stands for the index of raft's log, which there is none of: it grows with every durable change and every start, and never falls. */
  readonly raftIndex: () => bigint;
  /** Where clients reach this member. */
  readonly clientUrls: () => readonly string[];
}
