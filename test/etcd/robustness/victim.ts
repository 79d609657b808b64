import { spawnEtcd } from "../spawned-etcd.js";
import type { Victim } from "./kill-run.js";

/** An etcd of ours in a process of its own, to be killed. */
export async function spawnVictim(directory: string): Promise<Victim> {
  let running = await spawnEtcd(directory);
  const { address } = running;
  return {
    address,
    kill: () => running.kill(),
    restart: async () => {
      running = await spawnEtcd(directory, address);
    },
  };
}
