import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { type Etcd, ETCD_VERSION, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { realEtcdVersion, startRealEtcd } from "../support/real-etcd.js";
import { VersionDifferences } from "./differential/version-differences.js";
import { kvContract } from "./wire-contract.js";
import { watchContract } from "./wire-contract-watch.js";

const startOurs = (): Promise<Etcd> => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });

kvContract("spheresim", false, startOurs, { checksSortOptions: true });
watchContract("spheresim", false, startOurs, { keepsDeletionAtCompaction: true, refusesNegativeStart: true, progressWaitsForWatches: true });

// The real thing judges the tests, in all that has not changed since its version.
const differences = new VersionDifferences(realEtcdVersion() ?? ETCD_VERSION);
kvContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { checksSortOptions: !differences.allows("sort-option") });
watchContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, {
  keepsDeletionAtCompaction: !differences.allows("deletion-at-compaction"),
  refusesNegativeStart: !differences.allows("negative-start"),
  progressWaitsForWatches: !differences.allows("progress-only-when-caught-up"),
});
