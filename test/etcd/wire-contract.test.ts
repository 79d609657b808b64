import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { type Etcd, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { kvContract } from "./wire-contract.js";
import { watchContract } from "./wire-contract-watch.js";

const startOurs = (): Promise<Etcd> => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger });

kvContract("spheresim", false, startOurs, { checksSortOptions: true });
watchContract("spheresim", false, startOurs, { keepsDeletionAtCompaction: true, refusesNegativeStart: true, progressWaitsForWatches: true });

// Debian's is 3.4; the real thing judges the tests.
kvContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { checksSortOptions: false });
watchContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { keepsDeletionAtCompaction: false, refusesNegativeStart: false, progressWaitsForWatches: false });
