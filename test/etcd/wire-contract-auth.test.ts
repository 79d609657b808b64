import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { spawnFreshEtcd } from "./spawned-etcd.js";
import { authContract } from "./wire-contract-auth.js";

const OURS = { since35: true, hardened: true };

authContract("spheresim", false, () => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger }), OURS);
authContract("spheresim, a process of its own", false, spawnFreshEtcd, OURS);

// Debian's is 3.4; the real thing judges the tests.
authContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd, { since35: false, hardened: false });
