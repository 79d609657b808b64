import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ReadyLine } from "../../src/base/ready-line.js";
import { freePortBlock, quietPorts } from "../../src/rpc/port.js";
import { start, startBelowShell, stopped, withDirectory } from "../support/command.js";
import { eventually } from "../support/eventually.js";
import { processOf } from "../support/process-of-room.js";
import { descendantsOf, isRunning } from "../support/process-tree.js";
import { run } from "../support/running-emulator.js";

const linux = { skip: process.platform === "linux" ? false : "reads /proc" };
/** In the order in which they call each other: whoever is called comes first. */
const planes = ["store", "esxi", "vsphere", "kubernetes"];

/** A port that is taken, below which and above which there is room for a block. */
async function takenPort(): Promise<{ readonly holder: Server; readonly port: number }> {
  const first = (await quietPorts(1))[0] ?? 0;
  const base = (await freePortBlock(first, 64)) ?? first;
  const holder = createServer();
  const port = base + 32;
  await new Promise<void>((resolve) => holder.listen(port, "127.0.0.1", () => resolve()));
  return { holder, port };
}

test("the ready line says everything the design asks for, as does the ready file", async () => {
  await withDirectory(async (directory) => {
    const dataDir = join(directory, "state");
    const readyFile = join(directory, "ready.json");
    const up = start(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "2", "--seed", "7", "--profile", "article", "--ready-file", readyFile]);
    try {
      const text = await up.line();
      const ready = JSON.parse(text) as ReadyLine;
      assert.deepEqual(Object.keys(ready), ["ready", "version", "pid", "name", "seed", "profile", "dataDir", "kubeconfig", "hosts", "endpoints"]);
      assert.deepEqual([ready.ready, ready.pid, ready.name, ready.seed, ready.profile, ready.dataDir], [true, up.pid, "default", 7, "article", dataDir]);
      assert.deepEqual(ready.hosts.map((host) => host.name), ["esxi-01.spheresim.test", "esxi-02.spheresim.test"]);
      for (const { moid } of ready.hosts) assert.match(moid, /^host-\d+$/);
      assert.equal(statSync(ready.kubeconfig).mode & 0o777, 0o600, "the administrator's key is the owner's alone");
      for (const room of ["emulator", "vcenter", "esxi", "scheduler", "etcd"]) assert.match(ready.endpoints[room] ?? "", /^127\.0\.0\.1:\d+$/, room);
      assert.match(ready.endpoints["extender"] ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.match(ready.endpoints["apiserver"] ?? "", /^https:\/\/127\.0\.0\.1:\d+$/);
      assert.equal(readFileSync(readyFile, "utf8").trim(), text);

      // A second one on the same directory.
      const second = await run(["up", "--data-dir", dataDir, "--ports", "auto"]);
      assert.equal(second.code, 3);
      assert.equal(second.stdout, "");
      const [what = "", next = "", ...rest] = second.stderr.trimEnd().split("\n");
      assert.ok(what.includes(dataDir) && what.includes(`pid ${up.pid}`), what);
      assert.match(next, /kill \d+.*--name/);
      assert.deepEqual(rest, []);
      assert.equal(isRunning(up.pid), true, "the first one does not mind");
    } finally {
      await stopped(up);
    }
    assert.equal(await up.ended, 0);
    assert.equal(up.stderr(), "");
    for (const left of ["daemon.lock", "daemon.json"]) assert.equal(existsSync(join(dataDir, left)), false, left);
  });
});

test("a taken port: its number, who has it and what to do, in one line, and nothing stays", linux, async () => {
  const { holder, port } = await takenPort();
  try {
    await withDirectory(async (dataDir) => {
      // The API server's port is the seventh of the block.
      const { code, stdout, stderr } = await run(["up", "--data-dir", dataDir, "--port-base", String(port - 7)]);
      assert.equal(code, 3, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, new RegExp(`^spheresim: apiserver cannot listen on 127\\.0\\.0\\.1:${port}: pid ${process.pid} \\(.+\\) has the port; .*--port-base N or --ports auto\\n$`));
      for (const left of ["daemon.lock", "daemon.json"]) assert.equal(existsSync(join(dataDir, left)), false, left);
    });
  } finally {
    await new Promise((resolve) => holder.close(resolve));
  }
});

test("a real etcd that is not there is told at once, as is a block that goes beyond the last port", async () => {
  await withDirectory(async (directory) => {
    const etcd = await run(["up", "--data-dir", join(directory, "state"), "--ports", "auto", "--etcd-endpoints", "127.0.0.1:1"]);
    assert.deepEqual([etcd.code, etcd.stdout, etcd.stderr], [3, "", "spheresim: no etcd answers at 127.0.0.1:1: connection refused\n  start it, or name another with --etcd-endpoints; without the option the store is embedded\n"]);
    const block = await run(["up", "--data-dir", join(directory, "state"), "--port-base", "65530"]);
    assert.deepEqual([block.code, block.stderr], [3, "spheresim: etcd cannot listen on 127.0.0.1:65536: ports end at 65535; use a lower --port-base, or --ports auto\n"]);
  });
});

test("with --tls nothing is said but the ready line, by the daemon and by the commands that ask it", async () => {
  await withDirectory(async (dataDir) => {
    const up = start(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "1", "--tls"]);
    try {
      await up.line();
      const inventory = await run(["inventory", "--data-dir", dataDir]);
      assert.deepEqual([inventory.code, inventory.stderr], [0, ""]);
    } finally {
      await stopped(up);
    }
    assert.equal(up.stderr(), "");
  });
});

test("a command that asks the emulator room says when that one does not run", async () => {
  await withDirectory(async (dataDir) => {
    const up = start(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "1", "--without", "emulator", "--name", "mute"]);
    try {
      await up.line();
      const inventory = await run(["inventory", "--data-dir", dataDir]);
      assert.deepEqual([inventory.code, inventory.stderr], [3, `spheresim: emulator "mute" (pid ${up.pid}) runs without its emulator room, which this command asks\n  start it without: --without emulator\n`]);
    } finally {
      await stopped(up);
    }
  });
});

test("a taken kubelet port is found before anything is started, too", linux, async () => {
  const { holder, port } = await takenPort();
  try {
    await withDirectory(async (dataDir) => {
      const { code, stderr } = await run(["up", "--data-dir", dataDir, "--port-base", String(port - 21)]);
      assert.equal(code, 3, stderr);
      assert.match(stderr, new RegExp(`^spheresim: kubelet of esxi-02\\.spheresim\\.test cannot listen on 127\\.0\\.0\\.1:${port}: pid ${process.pid} .*--ports auto\\n$`));
    });
  } finally {
    await new Promise((resolve) => holder.close(resolve));
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} ends every process, callers before those they call`, linux, async () => {
    await withDirectory(async (dataDir) => {
      const up = start(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "1"]);
      try {
        await up.line();
        const pids = planes.map((plane) => processOf(up.pid, plane) ?? -1);
        assert.equal(pids.includes(-1), false, "every plane is a process");
        process.kill(up.pid, signal);
        const tooEarly = new Set<string>();
        await eventually("every plane has ended", () => {
          // Looked at from the first to the last: one that is gone while a later one lives has gone too early.
          const alive = pids.map(isRunning);
          planes.forEach((plane, index) => {
            if (alive[index] === false && alive.slice(index).includes(true)) tooEarly.add(plane);
          });
          return !alive.includes(true);
        });
        assert.deepEqual([...tooEarly], []);
        // Not told a second time meanwhile: a signal in the last moment of a process, when it hears no more, would be its end.
        assert.equal(await up.ended, 0);
      } finally {
        await stopped(up);
      }
      assert.equal(up.stderr(), "");
    });
  });
}

test("a signal while it is still starting ends it without a ready line", linux, async () => {
  await withDirectory(async (dataDir) => {
    const up = start(["up", "--data-dir", dataDir, "--ports", "auto"]);
    const below = await eventually("a plane has been started", () => {
      const pids = descendantsOf(up.pid);
      return pids.length > 0 && pids;
    });
    process.kill(up.pid, "SIGTERM");
    assert.equal(await up.ended, 0);
    await assert.rejects(up.line(), /it ended/);
    assert.deepEqual(below.filter(isRunning), []);
    assert.equal(existsSync(join(dataDir, "daemon.lock")), false);
    assert.equal(up.stderr(), "");
  });
});

test("--exit-with-parent: after kill -9 of the parent nothing is left", linux, async () => {
  await withDirectory(async (dataDir) => {
    const shell = startBelowShell(["up", "--data-dir", dataDir, "--ports", "auto", "--exit-with-parent"]);
    await shell.line();
    const below = descendantsOf(shell.pid);
    assert.equal(below.length, 1 + planes.length, "the daemon and its planes");
    process.kill(shell.pid, "SIGKILL");
    await eventually("nothing is left", () => !below.some(isRunning));
    assert.equal(existsSync(join(dataDir, "daemon.lock")), false);
  });
});

test("kill -9 of the daemon leaves no plane, and the next start takes the directory over", linux, async () => {
  await withDirectory(async (dataDir) => {
    const first = start(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "1"]);
    await first.line();
    const below = descendantsOf(first.pid);
    process.kill(first.pid, "SIGKILL");
    await eventually("no plane is left", () => !below.some(isRunning));
    const second = start(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "1"]);
    try {
      assert.equal((JSON.parse(await second.line()) as ReadyLine).pid, second.pid);
    } finally {
      await stopped(second);
    }
  });
});

test("a ready file that cannot be written ends it, with nothing left running", linux, async () => {
  await withDirectory(async (dataDir) => {
    const { code, stderr } = await run(["up", "--data-dir", dataDir, "--ports", "auto", "--hosts", "1", "--ready-file", join(dataDir, "no", "such", "file")]);
    assert.equal(code, 3);
    assert.match(stderr, /^spheresim: ready file .*: no such file or directory\n {2}choose another with --ready-file\n$/);
    assert.equal(existsSync(join(dataDir, "daemon.lock")), false);
  });
});

for (const [what, yaml, line, field] of [
  ["a number that is too small", "hosts:\n  - name: a.test\n    memoryMb: 12\n", 3, "hosts.0.memoryMb"],
  ["a field nobody knows", "hosts:\n  - name: a.test\n    colour: red\n", 3, "hosts.0.colour"],
  ["a host that is missing", "hosts:\n  - name: a.test\nvirtualMachines:\n  - name: db\n    host: b.test\n", 5, "virtualMachines.0.host"],
  ["a pool that is missing", "hosts:\n  - name: a.test\nvirtualMachines:\n  - name: db\n    host: a.test\n    pool: gold\n", 6, "virtualMachines.0.pool"],
  ["a parent that stands later", "hosts:\n  - name: a.test\nresourcePools:\n  - name: a\n    parent: b\n  - name: b\n", 5, "resourcePools.0.parent"],
  ["a name that stands twice", "hosts:\n  - name: a.test\n  - name: a.test\n", 3, "hosts.1.name"],
  ["a field that is not there", "hosts:\n  - cores: 4\n", 2, "hosts.0.name"],
  ["no host", "cluster: c\n", 1, "hosts"],
] as const) {
  test(`inventory with ${what}: line ${line}, ${field}`, async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, "inventory.yaml");
      writeFileSync(file, yaml);
      const { code, stderr } = await run(["up", "--data-dir", join(directory, "state"), "--inventory", file]);
      assert.equal(code, 2);
      assert.ok(stderr.startsWith(`spheresim: inventory ${file}, line ${line}, ${field}: `), stderr);
      assert.equal(stderr.trimEnd().split("\n").length, 2, stderr);
    });
  });
}

test("YAML that does not parse is named with its line", async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, "broken.yaml");
    writeFileSync(file, "hosts: 2\nseed: [1\n");
    for (const [option, what] of [["--inventory", "inventory"], ["--config", "config file"]] as const) {
      const { code, stderr } = await run(["up", "--data-dir", join(directory, "state"), option, file]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^spheresim: ${what} ${file}, line [23]: `));
    }
    writeFileSync(file, "hosts: 2\ncolour: red\n");
    const { code, stderr } = await run(["up", "--config", file]);
    assert.deepEqual([code, stderr.split("\n", 1)[0]], [2, `spheresim: config file ${file}, line 2, colour: is no option`]);
  });
});
