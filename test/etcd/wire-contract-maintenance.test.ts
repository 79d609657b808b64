import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { maintenanceContract, QUOTA_BYTES } from "./wire-contract-maintenance.js";

maintenanceContract(
  "spheresim",
  false,
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "spheresim-maintenance-"));
    const etcd = await startEtcd({ listen: "127.0.0.1:0", dataDir: join(directory, "etcd"), clock: monotonicClock(), log: silentLogger, quotaBackendBytes: QUOTA_BYTES });
    return {
      address: etcd.address,
      close: async () => {
        await etcd.close();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
  { knowsDowngrade: true, raisesKindsOnly: true },
);

// Debian's is 3.4; the real thing judges the tests.
maintenanceContract("the etcd that is installed", skipWithout("etcd"), () => startRealEtcd({ flags: ["--quota-backend-bytes", String(QUOTA_BYTES)] }), { knowsDowngrade: false, raisesKindsOnly: false });
