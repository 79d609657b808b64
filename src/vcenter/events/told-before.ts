import type { Event } from "../../gen/spheresim/vcenter/v1/event.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";
import type { EventType } from "./event-type.js";

/**
 * What the vCenter before this one told of tasks that were under way when it ended: what is on record is not told again when they are taken up.
 * Events of its last second before a crash are not on record (history.ts), and those are.
 *
 * Example: task-7 of chain 40 was creating vm-3. With TaskEvent and VmBeingCreatedEvent of chain 40 on record its beginning was told; VmCreatedEvent
 * was not, so it follows.
 */
export class ToldBefore {
  readonly #told = new Set<string>();

  constructor(events: readonly Event[], underWay: readonly TaskInfo[]) {
    const chains = new Set(underWay.map(({ eventChainId }) => eventChainId));
    for (const { chainId, type, vm } of events) if (chains.has(chainId)) this.#told.add(keyOf(chainId, type, vm?.ref?.value));
  }

  /** Whether an event of this type, about this VM where it is about one, was told in a task's chain. */
  has(chainId: number, type: EventType, vm?: string): boolean {
    return this.#told.has(keyOf(chainId, type, vm));
  }
}

function keyOf(chainId: number, type: string, vm = ""): string {
  return `${chainId}/${type}/${vm}`;
}
