import { Bell } from "../../base/bell.js";
import { HostInfo, type HostUpdate } from "../../gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { Call, StreamWriter } from "../../rpc/server.js";
import type { Rack } from "../hardware/rack.js";

/**
 * Tells which hosts answer. A watcher is told how things stand when it reads, not every move on the way; one that missed that a host was away
 * hears LEAVE and ENTER all the same.
 */
export async function watchHosts(rack: Rack, stream: StreamWriter<HostUpdate>, call: Call): Promise<void> {
  /** By the name of a host that was told to answer: which time it was. */
  const told = new Map<string, number>();
  const bell = new Bell();
  const end = rack.onChange(() => bell.ring());
  try {
    await tellChanges(rack, told, stream);
    await stream.write({ kind: UpdateKind.SYNCED, host: undefined, revision: 0n });
    while (!call.signal.aborted) {
      await bell.heard(call.signal);
      await tellChanges(rack, told, stream);
    }
  } finally {
    end();
  }
}

async function tellChanges(rack: Rack, told: Map<string, number>, stream: StreamWriter<HostUpdate>): Promise<void> {
  for (const name of told.keys()) {
    const host = rack.hosts.get(name);
    if (host?.reach.isThere === true && host.reach.times === told.get(name)) continue;
    told.delete(name);
    await stream.write({ kind: UpdateKind.LEAVE, host: HostInfo.create({ name }), revision: 0n });
  }
  for (const [name, host] of rack.hosts) {
    const presence = told.has(name) ? undefined : host.presence();
    if (presence === undefined) continue;
    told.set(name, host.reach.times);
    await stream.write({ kind: UpdateKind.ENTER, host: presence.info, revision: presence.revision });
  }
}
