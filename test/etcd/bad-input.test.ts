import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { badInputContract } from "./bad-input-contract.js";
import { spawnFreshEtcd } from "./spawned-etcd.js";

// In a process of its own: what ends it must not end the test.
badInputContract("spheresim", false, spawnFreshEtcd);
badInputContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd);
