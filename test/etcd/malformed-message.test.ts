import { skipWithout } from "../support/external-program.js";
import { startRealEtcd } from "../support/real-etcd.js";
import { malformedMessageContract } from "./malformed-message-contract.js";
import { spawnFreshEtcd } from "./spawned-etcd.js";

malformedMessageContract("spheresim", false, spawnFreshEtcd);
malformedMessageContract("the etcd that is installed", skipWithout("etcd"), startRealEtcd);
