import type { Clock } from "../../base/clock.js";
import type { Dice } from "../../base/seeded-random.js";
import type { Admission } from "../admission.js";
import type { Alarms } from "../alarms.js";
import type { AuthStore } from "../auth/auth-store.js";
import type { Downgrade } from "../downgrade.js";
import type { Lessor } from "../lessor.js";
import type { LongReads } from "../long-reads.js";
import type { Member } from "../member.js";
import type { Store } from "../store.js";
import type { WatchHub } from "../watch-hub.js";
import type { WatchStream } from "../watch-stream.js";
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
