import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { spawnFreshEtcd } from "./spawned-etcd.js";
import { recipesContract } from "./wire-contract-recipes.js";

const OURS = { rechecksLock: true };

recipesContract("spheresim", false, () => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger }), OURS);
recipesContract("spheresim, a process of its own", false, spawnFreshEtcd, OURS);

// Debian's is 3.4; the real thing judges the tests.
recipesContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { rechecksLock: false });
