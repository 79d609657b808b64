import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { examplesDirectory } from "../../src/base/project-files.js";
import { KVClient } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { RangeRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { namespaces, nodes } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { withDirectory } from "../support/command.js";
import { skipWithout } from "../support/external-program.js";
import { run, type RunningEmulator, withEmulator, withEmulatorOn } from "../support/running-emulator.js";

const pod = (name: string, spec = "containers: [{name: app, image: nginx}]"): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;

/** Runs a command against an emulator. */
type Against = (parameters: readonly string[], input?: string) => ReturnType<typeof run>;

function against({ ready }: RunningEmulator): Against {
  return (parameters, input) => run([...parameters, "--data-dir", ready.dataDir], input === undefined ? {} : { input });
}

/** Columns of a table begin at the same place in every line and nothing is behind the last. */
function assertTable(text: string, headings: readonly string[]): void {
  const [heading = "", ...rows] = text.trimEnd().split("\n");
  assert.deepEqual(heading.split(/ {3,}/), headings);
  assert.ok(rows.length > 0);
  for (const line of [heading, ...rows]) assert.equal(line, line.trimEnd());
  for (const title of headings.slice(1)) for (const row of rows) if (row.length > heading.indexOf(title)) assert.match(row.slice(0, heading.indexOf(title)), / {3}$/, row);
}

test("place, trace, inventory, env, status and reset, as a user types them", async (t) => {
  await withDirectory(async (state) => {
    const dataDir = join(state, "spheresim", "mine");
    mkdirSync(dataDir, { recursive: true });
    await withEmulatorOn(dataDir, ["--name", "mine", "--hosts", "2"], async (running) => {
      const { ready } = running;
      const cli = against(running);

      await t.test("place a file: every step, then a table of the pods", async () => {
        const file = join(state, "web.yaml");
        writeFileSync(file, pod("web"));
        const { code, stdout, stderr } = await cli(["place", "-f", file]);
        assert.deepEqual([code, stderr], [0, ""]);
        const lines = stdout.trimEnd().split("\n");
        assert.equal(lines[0], "pod/web created");
        assert.deepEqual(lines.slice(1, 15).map((line) => Number(line.split(/\s+/)[1])), Array.from({ length: 14 }, (_, index) => index + 1));
        for (const line of lines) assert.ok(line.length <= 120, line);
        assertTable(lines.slice(16).join("\n"), ["NAMESPACE", "POD", "PHASE", "NODE", "VM", "REASON"]);
        assert.match(lines[17] ?? "", /^default +web +Running +esxi-0[12]\.spheresim\.test +[0-9a-f-]{36}$/);
      });

      await t.test("place from standard input, twice: the second changes nothing", async () => {
        for (const change of ["created", "unchanged"]) {
          const { code, stdout } = await cli(["place", "-f", "-"], pod("piped"));
          assert.equal(code, 0);
          assert.match(stdout, new RegExp(`^pod/piped ${change}$`, "m"));
          assert.match(stdout, /piped +Running/);
        }
      });

      await t.test("place a Deployment again: unchanged, scaled and with another image, it waits for what is new and for nothing else", async () => {
        const deployment = (replicas: number, image: string): string =>
          `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  replicas: ${replicas}\n  selector: {matchLabels: {app: shop}}\n  template:\n    metadata: {labels: {app: shop}}\n    spec: {containers: [{name: app, image: "${image}"}]}\n`;
        const names = new Set<string>();
        for (const [replicas, image, change, fresh] of [[1, "nginx:1", "created", 1], [1, "nginx:1", "unchanged", 0], [2, "nginx:1", "configured", 1], [2, "nginx:2", "configured", 2]] as const) {
          const { code, stdout } = await cli(["place", "-f", "-", "--timeout", "20"], deployment(replicas, image));
          assert.equal(code, 0, stdout);
          assert.match(stdout, new RegExp(`^deployment/shop ${change}$`, "m"));
          const running = [...stdout.matchAll(/^default +(shop-\S+) +Running/gm)].map((match) => match[1] ?? "");
          assert.equal(running.length, replicas);
          assert.equal(running.filter((name) => !names.has(name)).length, fresh, `${replicas} of ${image}`);
          for (const name of running) names.add(name);
        }
      });

      for (const [what, manifest, message] of [
        ["YAML that does not parse", "kind: [\n", /^spheresim: document 1 does not parse: .*line 2, column 1$/m],
        ["no kind", "apiVersion: v1\nmetadata: {name: a}\n", /^spheresim: document 1: kind is not set$/m],
        ["a kind there is not", "apiVersion: v1\nkind: Podd\nmetadata: {name: a}\n", /^spheresim: no matches for kind "Podd" in version "v1"$/m],
        ["a field there is not", pod("a", "containers: [{name: app, image: nginx, imagee: x}]"), /^spheresim: .*spec\.containers\[0\]\.imagee/],
        ["no container", pod("a", "containers: []"), /^spheresim: .*spec\.containers: Required value/],
        ["nothing", "", /^spheresim: the manifest is empty$/m],
      ] as const) {
        await t.test(`place ${what}: one line, status 1`, async () => {
          const { code, stdout, stderr } = await cli(["place", "-f", "-"], manifest);
          assert.deepEqual([code, stdout], [1, ""]);
          assert.match(stderr, message);
          assert.doesNotMatch(stderr, /\n {4}at |node_modules|\.js:/);
        });
      }

      await t.test("a pod that fits nowhere: status 1 and the reason in the table", async () => {
        const { code, stdout } = await cli(["place", "-f", "-"], pod("big", "containers: [{name: app, image: nginx, resources: {requests: {memory: 900Gi}}}]"));
        assert.equal(code, 1);
        assert.match(stdout, /^default +big +Pending .*0\/2 nodes are available: 2 Insufficient memory\. preemption: 0\/2 nodes are available: 2 No preemption victims found for incoming pod\.$/m);
      });

      await t.test("time that is up: status 4", async () => {
        const { code, stderr } = await cli(["place", "-f", "-", "--timeout", "0.5"], pod("crashing", "containers: [{name: app, image: busybox, command: [sh, -c, exit 1]}]"));
        assert.equal(code, 4, stderr);
        assert.equal(stderr, "spheresim: not every pod had arrived after 0.5 s\n  wait longer with --timeout, or see how far one came with: spheresim trace POD\n");
      });

      await t.test("trace: by name, namespace/name and UID, in every form", async () => {
        const byName = await cli(["trace", "web"]);
        assert.equal(byName.code, 0);
        assertTable(byName.stdout, ["STEP", "ROOM", "WHAT", "AT MS", "TOOK MS", "REVISION", "ABOUT"]);
        assert.equal(byName.stdout.trimEnd().split("\n").length, 15);
        assertTable((await cli(["trace", "web", "-o", "wide"])).stdout, ["STEP", "ROOM", "WHAT", "AT MS", "TOOK MS", "REVISION", "PEER", "WIRE", "ATTEMPT", "ABOUT"]);
        const json = await cli(["trace", "default/web", "-o", "json"]);
        const records = (JSON.parse(json.stdout) as unknown[]).map((record) => StepRecord.fromJSON(record));
        assert.equal(records.length, 14);
        const uid = records[0]?.podUid ?? "";
        assert.equal((await cli(["trace", uid])).stdout, byName.stdout);
        assert.deepEqual(parse((await cli(["trace", "pod/web", "-n", "default", "-o", "yaml"])).stdout), JSON.parse(json.stdout));
        // What is shown is what is stored.
        const { kvs } = await running.open("etcd").client(KVClient).range(RangeRequest.fromPartial({ key: Buffer.from(`/spheresim/placements/${uid}/`), rangeEnd: Buffer.from(`/spheresim/placements/${uid}0`) }));
        assert.deepEqual(kvs.map((each) => JSON.parse(each.value.toString()) as unknown), JSON.parse(json.stdout));
        for (const unknown of ["nobody", "default/nobody", "00000000-0000-4000-8000-000000000000"]) {
          const missing = await cli(["trace", unknown]);
          assert.deepEqual([missing.code, missing.stdout], [1, ""]);
          assert.match(missing.stderr, /^spheresim: no step of pod .* is recorded\n/);
        }
      });

      await t.test("inventory: a tree with pools, hosts and VMs, and the whole of it as JSON", async () => {
        const { code, stdout } = await cli(["inventory"]);
        assert.equal(code, 0);
        assert.match(stdout, /^dc-01 {2}datacenter-\d+\n└─ supervisor-01 {2}domain-c\d+\n/);
        assert.match(stdout, /^ {3}├─ pool Resources {2}resgroup-\d+ {2}reserves \d+ MHz \d+ MB/m);
        assert.match(stdout, /^ {3}├─ esxi-01\.spheresim\.test {2}host-\d+ {2}\[[█▒·]{12}\] \d+ reserved, \d+ active of 41600 MHz/m);
        assert.match(stdout, /^ {3}[│ ] {2}[├└]─ web {2}vm-\d+ {2}on {2}1 vCPU 512 MB$/m);
        const json = JSON.parse((await cli(["inventory", "-o", "json"])).stdout) as { hosts: unknown[]; virtualMachines: unknown[] };
        assert.equal(json.hosts.length, 2);
        assert.ok(json.virtualMachines.length >= 2);
      });

      await t.test("env: a shell, dotenv, JSON and YAML say the same", async () => {
        const json = JSON.parse((await cli(["env", "-o", "json"])).stdout) as Record<string, string>;
        assert.equal(json["KUBECONFIG"], ready.kubeconfig);
        assert.equal(json["ETCDCTL_ENDPOINTS"], ready.endpoints["etcd"]);
        assert.equal(json["SPHERESIM_EMULATOR"], ready.endpoints["emulator"]);
        assert.deepEqual(parse((await cli(["env", "-o", "yaml"])).stdout), json);
        const dotenv = (await cli(["env", "-o", "dotenv"])).stdout;
        assert.deepEqual(Object.fromEntries(dotenv.trimEnd().split("\n").map((line) => line.split(/=(.*)/, 2))), json);
        const shell = (await cli(["env"])).stdout;
        assert.deepEqual(await evaluated(shell, Object.keys(json)), json);
      });

      await t.test("what env exports is enough for the other commands, and --name goes before it", async () => {
        const env = { SPHERESIM_EMULATOR: ready.endpoints["emulator"], SPHERESIM_DATA_DIR: ready.dataDir, XDG_STATE_HOME: state };
        assert.equal((await run(["trace", "web"], { env })).code, 0);
        const other = await run(["trace", "web", "--name", "other"], { env });
        assert.deepEqual([other.code, other.stderr], [3, 'spheresim: no emulator named "other" is running\n  choose one that runs with --name: mine\n']);
      });

      await t.test("status: what runs, also by --data-dir", async () => {
        const env = { XDG_STATE_HOME: state };
        const byState = await run(["status"], { env });
        assertTable(byState.stdout, ["NAME", "PID", "VERSION", "PROFILE", "HOSTS", "EMULATOR", "APISERVER", "DATA DIR"]);
        assert.match(byState.stdout, new RegExp(`^mine +${ready.pid} `, "m"));
        assert.equal((await run(["status", "--data-dir", dataDir], { env: { XDG_STATE_HOME: join(state, "none") } })).stdout, byState.stdout);
        assert.deepEqual(JSON.parse((await run(["status", "-o", "json"], { env })).stdout), [ready]);
        assert.match((await run(["status", "-o", "wide"], { env })).stdout, /ETCD +VCENTER +ESXI +DATA DIR/);
      });

      await t.test("reset: workloads and namespaces go, with their VMs; Nodes stay", async () => {
        const client = administrator(ready);
        try {
          await client.create(namespaces, { metadata: { name: "shop" } });
          assert.equal((await cli(["place", "-f", "-", "-n", "shop"], pod("inshop"))).code, 0);
          const { code, stdout, stderr } = await cli(["reset"]);
          assert.deepEqual([code, stderr], [0, ""]);
          assert.match(stdout, /^deleted (\d+ \w+, )*\d+ Pods?, .*1 Namespace\n$/);
          assert.equal((await client.list(nodes)).items.length, 2);
        } finally {
          await client.close();
        }
        const { violations, pods, vms } = await running.emulator.checkInvariants({ settle: { seconds: 5n, nanos: 0 } });
        assert.deepEqual([violations, pods, vms], [[], 0, 0]);
        assert.deepEqual((await cli(["reset"])).stdout, "nothing to delete\n");
      });
      assert.equal(running.stderr(), "");
    });
  });
});

/** Lets a shell evaluate exports and say what the variables are. */
async function evaluated(exports: string, names: readonly string[]): Promise<Record<string, string>> {
  const all = (await afterEval(exports, "env")).split("\n").map((line) => line.split(/=(.*)/, 2) as [string, string]);
  return Object.fromEntries(all.filter(([name]) => names.includes(name)));
}

/** What a command prints in a shell that took the exports. */
async function afterEval(exports: string, command: string): Promise<string> {
  const child = spawn("sh", ["-c", `eval "$1"; ${command}`, "sh", exports], { env: { PATH: process.env["PATH"] }, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout) output += String(chunk);
  return output;
}

test("an inventory file: hosts, pools below pools, VMs with constant activity; a second start adds nothing", async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, "inventory.yaml");
    writeFileSync(
      file,
      `cluster: lab
hosts:
  - {name: a.test, cores: 8, cpuMhz: 2000, memoryMb: 32768}
  - {name: b.test, cores: 8, cpuMhz: 2000, memoryMb: 32768, labels: {disk: ssd}}
resourcePools:
  - {name: gold, reservationMhz: 4000, reservationMb: 8192}
  - {name: inner, parent: gold, reservationMb: 1024, limitMb: 4096, expandable: false}
virtualMachines:
  - {name: db, host: b.test, pool: inner, cpus: 2, memoryMb: 2048, reservationMb: 512, activeMhz: 700, activeMb: 900}
`,
    );
    const trees: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await withEmulatorOn(join(directory, "state"), ["--inventory", file], async (running) => {
        const cli = against(running);
        const { stdout } = await cli(["inventory"]);
        trees.push(stdout);
        const client = administrator(running.ready);
        try {
          assert.equal((await client.get(nodes, { name: "b.test" })).metadata.labels?.["disk"], "ssd");
        } finally {
          await client.close();
        }
        assert.equal(running.stderr(), "");
      });
    }
    const [tree = ""] = trees;
    assert.match(tree, /^└─ lab /m);
    assert.match(tree, /^ {3}│ {2}├─ pool gold {2}resgroup-\d+ {2}reserves 4000 MHz 8192 MB/m);
    assert.match(tree, /^ {3}│ {2}│ {2}└─ pool inner {2}resgroup-\d+ {2}reserves 0 MHz 1024 MB {2}used 0 MHz 5\d\d MB {2}unreserved 0 MHz \d+ MB {2}limit 4096 MB$/m);
    assert.match(tree, /b\.test {2}host-\d+ {2}\S+ 0 reserved, 700 active of 16000 MHz {2}\S+ 5\d\d reserved, 900 active of 32768 MB\n {6}└─ db {2}vm-\d+ {2}on {2}2 vCPU 2048 MB/);
    assert.equal(trees[1], trees[0]);
  });
});

test("what vCenter refuses of an inventory ends the start with its words, the file and the line", async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, "inventory.yaml");
    writeFileSync(file, "hosts:\n  - {name: a.test, memoryMb: 4096}\nvirtualMachines:\n  - {name: giant, host: a.test, memoryMb: 8192, reservationMb: 8192}\n");
    const { code, stderr } = await run(["up", "--data-dir", join(directory, "state"), "--ports", "auto", "--inventory", file]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^spheresim: inventory \S+\/inventory\.yaml, line 4, virtualMachines\.0: vCenter refuses virtual machine giant: .* has 4096 MB unreserved, 8\d\d\d MB are asked for\.\n {2}change it in the inventory file\n$/);
  });
});

test("over mutual TLS the commands find their certificates by the data directory", async () => {
  await withEmulator(["--hosts", "1", "--tls"], async (running) => {
    const { code, stdout, stderr } = await against(running)(["place", "-f", join(examplesDirectory, "manifests", "cache.yaml")]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /cache +Running/);
  });
});

test("over mutual TLS plain etcdctl works with what env prints", { skip: skipWithout("etcdctl") }, async () => {
  await withEmulator(["--hosts", "1", "--tls"], async (running) => {
    const { stdout: variables } = await against(running)(["env"]);
    assert.equal(await afterEval(variables, "etcdctl get --prefix --keys-only /registry/minions/"), "/registry/minions/esxi-01.spheresim.test\n\n");
  });
});
