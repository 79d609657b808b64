import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { etcdContract } from "./wire-contract.js";

etcdContract("spheresim", false, () => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger }), {
  keepsDeletionAtCompaction: true,
  checksSortOptions: true,
  refusesNegativeStart: true,
  progressWaitsForWatches: true,
});

// Debian's is 3.4; the real thing judges the tests.
etcdContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { keepsDeletionAtCompaction: false, checksSortOptions: false, refusesNegativeStart: false, progressWaitsForWatches: false });
