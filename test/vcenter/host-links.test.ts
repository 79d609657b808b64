import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { test } from "node:test";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { HostPowerState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import type { HostLinksOptions } from "../../src/vcenter/hosts/host-facts.js";
import { HostLinks } from "../../src/vcenter/hosts/host-links.js";
import type { HostRecord } from "../../src/vcenter/store/records.js";

const HOSTS = 200;

function host(number: number): HostRecord {
  const spec = HostSpec.fromPartial({ name: `esxi-${number}`, numCpuCores: 1, cpuMhz: 1, memoryMb: 1 });
  return { moid: `host-${number}`, spec, cluster: "domain-c8", address: `10.0.0.1:${number}`, disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: false };
}

/** A watch that tells nothing. */
async function* silence(signal: AbortSignal): AsyncGenerator<never> {
  yield* await new Promise<never[]>((resolve) => (signal.aborted ? resolve([]) : signal.addEventListener("abort", () => resolve([]), { once: true })));
}

test("the links of hosts that each have an address of their own are made to fit in one look at the hosts", async () => {
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const hosts = Array.from({ length: HOSTS }, (_, index) => host(index + 1));
  let looks = 0;
  const inventory = {
    get hosts() {
      looks += 1;
      return hosts;
    },
    hostByName: () => undefined,
  };
  const daemons = { at: () => ({ watchVms: silence, watchHosts: silence }), forget: () => undefined };
  const links = new HostLinks({ inventory, daemons, facts: {}, monotonic: monotonicClock(), log: silentLogger, closing: closing.signal } as unknown as HostLinksOptions);
  links.refresh();
  links.refresh();
  assert.equal(looks, 2);
  closing.abort();
  await links.close();
});
