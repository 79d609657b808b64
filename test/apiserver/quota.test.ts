import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startControllers } from "../../src/controllers/index.js";
import { administrator } from "../support/administrator.js";
import { skipWithout } from "../support/external-program.js";
import { withEmulator } from "../support/running-emulator.js";
import { startCluster } from "./cluster.js";
import { quotaContract, type Served } from "./quota-contract.js";

async function inProcess(store: { readonly store?: "real" }): Promise<Served> {
  const cluster = await startCluster(store);
  const { admin } = cluster;
  const controllers = await startControllers({
    apiserver: { server: `https://${cluster.server.address}`, tls: { ca: admin.caPem, cert: admin.certPem, key: admin.keyPem } },
    clock: wallClock(),
    monotonic: monotonicClock(),
    dice: new Dice(1),
    log: silentLogger,
  });
  return {
    client: cluster.client,
    async close() {
      await controllers.close();
      await cluster.close();
    },
  };
}

quotaContract("an API server in process", () => inProcess({}));
quotaContract("an API server on a real etcd", () => inProcess({ store: "real" }), skipWithout("etcd"));

quotaContract("the daemon", () => {
  return new Promise<Served>((resolve, reject) => {
    const emulator = withEmulator([], (running) => {
      const client = administrator(running.ready);
      return new Promise<void>((end) => {
        resolve({
          client,
          async close() {
            await client.close();
            end();
            await emulator;
          },
        });
      });
    });
    emulator.catch(reject);
  });
});
