import { join } from "node:path";
import type { ReadyLine } from "../base/ready-line.js";
import { stateHome } from "../base/state-home.js";

/** What to paste next, for a person; `last` tells what Ctrl-C does. */
export function banner(ready: ReadyLine, environment: NodeJS.ProcessEnv, last = `stops it; state stays in ${ready.dataDir}`): string {
  const endpoints = Object.entries(ready.endpoints).map(([room, address]) => `    ${room.padEnd(10)} ${address}`);
  const hosts = `${ready.hosts.length} host${ready.hosts.length === 1 ? "" : "s"}`;
  return `spheresim ${ready.version} is ready: ${hosts}, profile ${ready.profile}, seed ${ready.seed}
${endpoints.join("\n")}
  paste next:
    export KUBECONFIG=${ready.kubeconfig}
    kubectl get nodes
    npx spheresim place -f examples/manifests/web.yaml${choosing(ready, environment)}
  Ctrl-C ${last}
`;
}

/** The option that finds this emulator among those of the user; none for the one that is found without. */
function choosing({ name, dataDir }: ReadyLine, environment: NodeJS.ProcessEnv): string {
  if (dataDir !== join(stateHome(environment), name)) return ` --data-dir ${dataDir}`;
  return name === "default" ? "" : ` --name ${name}`;
}
