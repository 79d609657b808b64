import type { Clock } from "../../base/clock.js";
import type { Alarms } from "../alarms.js";
import type { Lessor } from "../lessor.js";
import type { Member } from "../member.js";
import type { Store } from "../store.js";
import type { WatchHub } from "../watch-hub.js";

/** What the services of this room work on. */
export interface Room {
  readonly member: Member;
  readonly store: Store;
  readonly lessor: Lessor;
  readonly hub: WatchHub;
  readonly alarms: Alarms;
  readonly clock: Clock;
  /** Time between two progress notices of a silent watch. */
  readonly progressIntervalMs: number;
  /** Where clients reach this member. */
  readonly clientUrls: () => readonly string[];
}
