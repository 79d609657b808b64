import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { ETCD_VERSION, MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { httpContract } from "./http-contract.js";

httpContract("spheresim", false, () => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger }), {
  gateway35: true,
  probes: true,
  version: ETCD_VERSION,
});

// Debian's is 3.4; the real thing judges the tests.
httpContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { gateway35: false, probes: false, version: "3.4.23" });
