// A process that is nothing but an etcd server, for tests that kill it: node etcd-child.js DIRECTORY LISTEN. Prints its address.
import { monotonicClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { startEtcd } from "../../src/etcd/index.js";

const [dataDir, listen] = process.argv.slice(2);
if (dataDir === undefined || listen === undefined) throw new Error("usage: etcd-child DIRECTORY LISTEN");
const etcd = await startEtcd({ listen, dataDir, clock: monotonicClock(), log: silentLogger });
process.stdout.write(`${etcd.address}\n`);
// Nobody is left to end a child whose parent was killed.
process.stdin.on("close", () => process.exit(0)).resume();
