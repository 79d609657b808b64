import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { type Etcd, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { type ContractTraits, etcdContract } from "./wire-contract.js";
import { etcdWatchContract } from "./wire-contract-watch.js";

const startOurs = (): Promise<Etcd> => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });
const OURS: ContractTraits = { keepsDeletionAtCompaction: true, checksSortOptions: true, refusesNegativeStart: true, progressWaitsForWatches: true };
// Debian's is 3.4; the real thing judges the tests.
const REAL: ContractTraits = { keepsDeletionAtCompaction: false, checksSortOptions: false, refusesNegativeStart: false, progressWaitsForWatches: false };

for (const contract of [etcdContract, etcdWatchContract]) {
  contract("spheresim", false, startOurs, OURS);
  contract("the etcd that is installed", skipWithout("etcd"), () => startRealEtcd(), REAL);
}
