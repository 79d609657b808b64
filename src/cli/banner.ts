import type { ReadyLine } from "../base/ready-line.js";

/** What to paste next, for a person. */
export function banner(ready: ReadyLine): string {
  const endpoints = Object.entries(ready.endpoints).map(([room, address]) => `    ${room.padEnd(10)} ${address}`);
  return `spheresim ${ready.version} is ready: ${ready.hosts.length} hosts, profile ${ready.profile}, seed ${ready.seed}
${endpoints.join("\n")}
  paste next:
    export KUBECONFIG=${ready.kubeconfig}
    kubectl get nodes
    npx spheresim place -f examples/manifests/web.yaml${ready.name === "default" ? "" : ` --name ${ready.name}`}
  Ctrl-C stops it; state stays in ${ready.dataDir}
`;
}
