import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { SphereletServiceClient } from "../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import { openChannel } from "../../src/rpc/channel.js";
import { freePorts } from "../../src/rpc/port.js";
import { startSpherelets } from "../../src/spherelet/index.js";

const uuid = "11111111-1111-4111-8111-111111111111";

test("a Spherelet whose peers are all away listens, says so, and closes at once", async () => {
  const [apiserver, hostd] = await freePorts(2);
  const monotonic = monotonicClock();
  const spherelets = await startSpherelets({
    hosts: [{ name: "esxi-01.spheresim.test", cores: 1, memoryMb: 1024 }],
    apiserver: { server: `http://127.0.0.1:${apiserver}` },
    hostdAddress: `127.0.0.1:${hostd}`,
    log: silentLogger,
    clock: wallClock(),
    monotonic,
    dice: new Dice(1),
  });
  const channel = openChannel({ address: spherelets.address });
  try {
    // Nobody can say whose the VM is. One host behind the port needs no name.
    const refused: unknown = await channel.client(SphereletServiceClient).configurePod({ requestId: "", namespace: "default", name: "web", podUid: uuid, vmUuid: uuid, podJson: Buffer.alloc(0) }).catch((error: unknown) => error);
    assert.ok(refused instanceof RpcError);
    assert.deepEqual([refused.code, refused.reason?.reason], [RpcCode.UNAVAILABLE, "HostNotReachable"]);
  } finally {
    channel.close();
  }
  const startMs = monotonic.nowMs();
  await spherelets.close();
  // Far below the 30 s that a call to a peer may take.
  assert.ok(monotonic.nowMs() - startMs < 20_000);
});

test("a host that stands twice and a range that is none are refused by name", async () => {
  const options = { apiserver: { server: "http://127.0.0.1:1" }, hostdAddress: "127.0.0.1:1", log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1) };
  const host = { name: "esxi-01.spheresim.test", cores: 1, memoryMb: 1024 };
  await assert.rejects(startSpherelets({ ...options, hosts: [host, host] }), /esxi-01\.spheresim\.test stands twice/);
  await assert.rejects(startSpherelets({ ...options, hosts: [{ ...host, podCidr: "10.0.0.0" }] }), /"10\.0\.0\.0" is no range of pod addresses/);
  await assert.rejects(startSpherelets({ ...options, hosts: [host], kubeletPortBase: 0 }), /kubeletTls is missing/);
});
