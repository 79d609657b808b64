import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startVcenter } from "../../src/vcenter/index.js";
import { LoadedClient } from "../contract/loaded-contracts.js";
import { MemoryKeyValue } from "./memory-key-value.js";

test("until its records are read vCenter answers UNAVAILABLE and its health says so", async () => {
  const keyValue = new MemoryKeyValue();
  const etcdAnswers = deferred<void>();
  keyValue.before = () => etcdAnswers.promise;
  const vcenter = await startVcenter({ etcdEndpoints: [], log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), keyValue });
  const client = new LoadedClient(vcenter.address);
  const health = async (service: string): Promise<string> => (await client.call("grpc.health.v1.Health/Check", { service })).status;
  const services = ["", "spheresim.vcenter.v1.PlacementService"];
  try {
    assert.deepEqual(await Promise.all(services.map(health)), ["NOT_SERVING", "NOT_SERVING"]);
    assert.equal((await client.refusal("spheresim.vcenter.v1.InventoryService/GetAbout")).code, status.UNAVAILABLE);
    etcdAnswers.resolve();
    await vcenter.ready;
    assert.deepEqual(await Promise.all(services.map(health)), ["SERVING", "SERVING"]);
    assert.equal((await client.call("spheresim.vcenter.v1.InventoryService/GetAbout")).api_type, "VirtualCenter");
  } finally {
    client.close();
    await vcenter.close();
  }
});
