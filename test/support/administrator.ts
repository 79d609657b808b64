import { readFileSync } from "node:fs";
import { monotonicClock } from "../../src/base/clock.js";
import type { ReadyLine } from "../../src/base/ready-line.js";
import { Dice } from "../../src/base/seeded-random.js";
import { parseKubeconfig } from "../../src/kubernetes/kubeconfig.js";
import { RestClient } from "../../src/kubernetes/rest-client.js";

/** A Kubernetes client with the administrator's kubeconfig of a running emulator. */
export function administrator(ready: ReadyLine): RestClient {
  return new RestClient({ ...parseKubeconfig(readFileSync(ready.kubeconfig, "utf8")), userAgent: "spheresim-test", clock: monotonicClock(), dice: new Dice(1) });
}
