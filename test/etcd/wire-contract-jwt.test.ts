import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { authToken } from "../../src/daemon/etcd-auth-token.js";
import { MemoryTable, startEtcd } from "../../src/etcd/index.js";
import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { jwtContract } from "./wire-contract-jwt.js";

jwtContract("spheresim", false, (text) => startEtcd({ listen: "127.0.0.1:0", dataDir: new MemoryTable(), clock: monotonicClock(), log: silentLogger, auth: { tokens: authToken(text).tokens, bcryptCost: 4 } }));

// Debian's is 3.4; the real thing judges the tests.
jwtContract("the etcd that is installed", skipWithout("etcd"), (text) => startRealEtcd({ flags: ["--auth-token", text, "--bcrypt-cost", "4"] }));
