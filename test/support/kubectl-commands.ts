import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Kubectl } from "./kubectl.js";

/** One command, what it must say, and what it reads; `refused` where it must fail. */
interface Row {
  readonly words: string | readonly string[];
  readonly says: RegExp;
  readonly input?: string;
  readonly refused?: true;
}

// Gated, so that it is the same on a cluster with a scheduler and on a bare API server.
const POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {schedulingGates: [{name: example.com/wait}], containers: [{name: c, image: 'nginx:1', resources: {requests: {cpu: 250m}}}]}\n";
const NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: spare}\n";

/**
 * What kubectl does with objects whatever runs behind the API server, in order: in a namespace `commands` and with a Node `spare`.
 * Both are its own. The same rows are run against an API server alone and against an emulator.
 */
const rows: Readonly<Record<string, readonly Row[]>> = {
  "version, api-resources, api-versions, explain": [
    { words: "version", says: /Server Version: v1\.32\.0\+spheresim/ },
    { words: "api-resources", says: /^pods\s+po\s+v1\s+true\s+Pod$/m },
    { words: "api-resources --namespaced=false -o name", says: /^nodes$/m },
    { words: "api-versions", says: /^apps\/v1$/m },
    { words: "explain pod.spec", says: /FIELD: spec <PodSpec>[^]*\n {2}schedulingGates\t<\[\]PodSchedulingGate>/ },
    { words: "explain deployment.spec.replicas", says: /FIELD: replicas <integer>/ },
  ],
  "create ns; a second one of the name is refused": [
    { words: "create ns commands", says: /^namespace\/commands created$/ },
    { words: "create ns commands", says: /AlreadyExists\): namespaces "commands" already exists/, refused: true },
    { words: "get ns commands", says: /^NAME\s+STATUS\s+AGE\ncommands\s+Active\s+\d+s$/ },
  ],
  "apply without a flag, twice, then changed": [
    { words: "apply -n commands -f -", input: POD, says: /^pod\/web created$/ },
    { words: "apply -n commands -f -", input: POD, says: /^pod\/web unchanged$/ },
    { words: "apply -n commands -f -", input: POD.replace("nginx:1", "nginx:2"), says: /^pod\/web configured$/ },
    { words: "diff -n commands -f -", input: POD.replace("nginx:1", "nginx:2"), says: /^$/ },
    { words: "apply -n commands -f -", input: POD.replace("cpu: 250m", "cpu: 300m"), says: /pod updates may not change fields other than/, refused: true },
  ],
  "get in its forms": [
    { words: "get pods -n commands", says: /^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\nweb\s+0\/1\s+SchedulingGated\s+0\s+\d+s$/ },
    { words: "get pod web -n commands -o wide", says: /IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES\nweb .*<none>\s+<none>\s+<none>\s+<none>$/ },
    { words: "get pod web -n commands -o yaml", says: /^apiVersion: v1\nkind: Pod\n[^]*image: nginx:2\n[^]*qosClass: Burstable$/ },
    { words: "get pod web -n commands -o json", says: /"name": "example\.com\/wait"/ },
    { words: "get pods -n commands -o name", says: /^pod\/web$/ },
    { words: "get pods -A --field-selector metadata.namespace=commands", says: /^NAMESPACE\s+NAME[^]*\ncommands\s+web\s/ },
    { words: "get pods -n commands -l app!=web", says: /^No resources found in commands namespace\.$/ },
    { words: "get pods -n commands --sort-by=.metadata.name --show-labels", says: /LABELS\nweb .*app=web$/ },
    { words: "get pod none -n commands", says: /^Error from server \(NotFound\): pods "none" not found$/, refused: true },
    { words: "get pod none -n commands --ignore-not-found", says: /^$/ },
    { words: "get things", says: /the server doesn't have a resource type "things"/, refused: true },
  ],
  "label, annotate": [
    { words: "label pod web -n commands tier=front", says: /^pod\/web labeled$/ },
    { words: "label pod web -n commands tier=back", says: /'tier' already has a value \(front\), and --overwrite is false/, refused: true },
    { words: "label pod web -n commands tier=back --overwrite", says: /^pod\/web labeled$/ },
    { words: "wait pod/web -n commands --for=jsonpath={.metadata.labels.tier}=back --timeout=10s", says: /^pod\/web condition met$/ },
    { words: "label pod web -n commands tier-", says: /^pod\/web unlabeled$/ },
    { words: "annotate pod web -n commands note=x", says: /^pod\/web annotated$/ },
    { words: "get pod web -n commands -o jsonpath={.metadata.annotations.note}{.metadata.labels.tier}", says: /^x$/ },
  ],
  "describe pod": [{ words: "describe pod web -n commands", says: /^Name:\s+web\n[^]*Requests:\n\s+cpu:\s+250m\n[^]*QoS Class:\s+Burstable\n/ }],
  "deployment: create, scale, restart, describe": [
    { words: "create deployment roll -n commands --image=nginx --replicas=0", says: /^deployment\.apps\/roll created$/ },
    { words: "scale deployment roll -n commands --replicas=2 --current-replicas=0", says: /^deployment\.apps\/roll scaled$/ },
    { words: "scale deployment roll -n commands --replicas=3 --current-replicas=1", says: /Expected replicas to be 1, was 2/, refused: true },
    { words: "scale deployment roll -n commands --replicas=0", says: /^deployment\.apps\/roll scaled$/ },
    { words: "rollout restart deployment/roll -n commands", says: /^deployment\.apps\/roll restarted$/ },
    { words: "rollout pause deployment/roll -n commands", says: /^deployment\.apps\/roll paused$/ },
    { words: "rollout resume deployment/roll -n commands", says: /^deployment\.apps\/roll resumed$/ },
    { words: "describe deployment roll -n commands", says: /^Name:\s+roll\n[^]*Annotations:[^]*kubectl\.kubernetes\.io\/restartedAt[^]*Image:\s+nginx\n/ },
    { words: "get deployment roll -n commands -o wide", says: /CONTAINERS\s+IMAGES\s+SELECTOR\nroll\s+0\/0\s+0\s+0\s+\d+s\s+nginx\s+nginx\s+app=roll$/ },
  ],
  "nodes: taint, cordon, uncordon, describe": [
    { words: "create -f -", input: NODE, says: /^node\/spare created$/ },
    { words: "taint node spare a=b:NoSchedule", says: /^node\/spare tainted$/ },
    { words: "cordon spare", says: /^node\/spare cordoned$/ },
    { words: "get node spare", says: /spare\s+\S*SchedulingDisabled\s/ },
    { words: "describe node spare", says: /Taints:(?:[^]*\s)a=b:NoSchedule\n[^]*Unschedulable:\s+true\n/ },
    { words: "uncordon spare", says: /^node\/spare uncordoned$/ },
    { words: "taint node spare a:NoSchedule-", says: /^node\/spare untainted$/ },
    { words: "delete node spare", says: /^node "spare" deleted$/ },
  ],
  "logs, exec, attach, port-forward: not there, said in one line": [
    { words: "logs web -n commands", says: /^Error from server \(NotImplemented\): pods\/log is not implemented by spheresim$/, refused: true },
    { words: "exec web -n commands -- ls", says: /^Error from server \(NotImplemented\): pods\/exec is not implemented by spheresim$/, refused: true },
    { words: "top nodes", says: /^error: Metrics API not available$/, refused: true },
  ],
  "delete: at once, by force, without waiting; wait for it": [
    { words: "delete pod web -n commands --force --grace-period=0", says: /^pod "web" force deleted\nWarning: Immediate deletion does not wait/ },
    { words: "apply -n commands -f -", input: POD, says: /^pod\/web created$/ },
    { words: "delete pod web -n commands --wait=false", says: /^pod "web" deleted$/ },
    { words: "wait pod/web -n commands --for=delete --timeout=10s", says: /^(?:pod\/web condition met)?$/ },
    { words: "delete pod web -n commands", says: /^Error from server \(NotFound\): pods "web" not found$/, refused: true },
    { words: "delete pod web -n commands --ignore-not-found", says: /^$/ },
    { words: "delete deployment roll -n commands", says: /^deployment\.apps "roll" deleted$/ },
  ],
};

/** Runs every group of commands as a subtest. */
export async function runCommands(t: TestContext, kubectl: Kubectl): Promise<void> {
  for (const [name, group] of Object.entries(rows)) {
    await t.test(name, async () => {
      for (const { words, says, input, refused } of group) {
        const said = refused ? await kubectl.refused(words, input) : await kubectl.run(words, input);
        assert.match(said, says, `kubectl ${String(words)}`);
      }
    });
  }
}

/**
 * `get pod NAME -w` from a moment on: changes the pod until the watch shows a change, for kubectl drops the first event of a single
 * object, then makes three more, which must all be shown in order.
 */
export async function watchByName(kubectl: Kubectl, name: string): Promise<void> {
  const watch = kubectl.start(`get pod ${name} -w -L turn`);
  let seen = "";
  const waiting = new Set<() => void>();
  watch.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    seen += chunk;
    for (const wake of waiting) wake();
  });
  const news = (): Promise<void> => new Promise((resolve) => waiting.add(resolve));
  const shown = (): string[] => [...seen.matchAll(/^\S+ .*\s(\d+)$/gm)].map(([, turn]) => turn!);
  try {
    if (seen === "") await news();
    let turn = 0;
    while (shown().length === 0) await kubectl.run(`label pod ${name} turn=${(turn += 1)} --overwrite`);
    const wanted = [turn + 1, turn + 2, turn + 3].map(String);
    for (const next of wanted) await kubectl.run(`label pod ${name} turn=${next} --overwrite`);
    while (shown().at(-1) !== wanted.at(-1)) await news();
    assert.deepEqual(shown().slice(-3), wanted);
  } finally {
    watch.kill();
  }
}
