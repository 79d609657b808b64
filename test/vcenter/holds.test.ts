import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { type Claim, Ledger } from "../../src/vcenter/drs/ledger.js";
import { Holds, type Recommended } from "../../src/vcenter/placement/holds.js";

const amount = (cpuMhz: number): Claim["reserved"] => ({ cpuMhz, memoryMb: 0 });
const recommended = (key: string, ownerUid: string, host = "host-1"): Recommended => ({ key, ownerUid, config: VirtualMachineConfigSpec.create(), host, pool: "resgroup-1" });
const claim = (cpuMhz: number, host = "host-1"): Claim => ({ host, pool: "resgroup-1", reserved: amount(cpuMhz), active: amount(0), demand: amount(0), poweredOn: false });

function setUp() {
  const ledger = new Ledger();
  ledger.addRootPool("resgroup-1");
  for (const host of ["host-1", "host-2"]) ledger.addHost(host, amount(10_000), "resgroup-1");
  const monotonic = new ManualClock();
  return { ledger, monotonic, holds: new Holds(ledger, monotonic), reserved: (host = "host-1") => ledger.host(host).reserved.cpuMhz };
}

test("an owner has one hold: the next one replaces it, with its key and its capacity, also on another host", () => {
  const { holds, reserved } = setUp();
  holds.hold(recommended("1.1", "uid-1"), claim(500), 30_000);
  holds.hold(recommended("1.2", "uid-1", "host-2"), claim(700, "host-2"), 30_000);
  assert.deepEqual([holds.size, reserved("host-1"), reserved("host-2")], [1, 0, 700]);
  assert.equal(holds.ofOwner("uid-1")?.key, "1.2");
  assert.equal(holds.find("1.1"), undefined);
});

test("a hold ends by the monotonic clock; what it recommended is still known, and not held", async () => {
  const { holds, monotonic, reserved } = setUp();
  holds.hold(recommended("1.1", "uid-1"), claim(500), 30_000);
  await monotonic.advance(29_999);
  assert.deepEqual([reserved(), holds.find("1.1")?.held], [500, true]);
  await monotonic.advance(1);
  assert.deepEqual([reserved(), holds.find("1.1")?.held, holds.ofOwner("uid-1")], [0, false, undefined]);
});

test("a hold becomes a VM without a moment in which its capacity is free, and its time no longer runs", async () => {
  const { holds, ledger, monotonic, reserved } = setUp();
  holds.hold(recommended("1.1", "uid-1"), claim(500), 30_000);
  holds.become("1.1", "vm-7", claim(500));
  await monotonic.advance(60_000);
  assert.deepEqual([holds.size, reserved(), ledger.get("vm-7")?.reserved.cpuMhz], [0, 500, 500]);
});
