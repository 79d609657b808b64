import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { start, startBelowShell, withDirectory } from "../support/command.js";
import { eventually } from "../support/eventually.js";
import { skipWithout } from "../support/external-program.js";
import { descendantsOf, isRunning } from "../support/process-tree.js";
import { run } from "../support/running-emulator.js";

const linux = { skip: process.platform === "linux" ? false : "reads /proc" };
const small = ["exec", "--hosts", "1", "--processes", "one"];

/** Runs `exec` with a directory for temporary files of its own, and sees that nothing stays there. */
async function leavingNothing<T>(work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    const result = await work({ TMPDIR: directory, XDG_STATE_HOME: join(directory, "state") });
    // Node's own compile cache is not ours.
    assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith("spheresim") || name === "state"), []);
    return result;
  });
}

test("the command finds everything in its environment; its output and exit status come through", async () => {
  const { code, stdout, stderr } = await leavingNothing((env) => run([...small, "--", "sh", "-c", 'env; test -r "$KUBECONFIG" && echo readable; exit 7'], { env }));
  assert.equal(code, 7, stderr);
  assert.equal(stderr, "");
  const variables = new Map(stdout.split("\n").map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]));
  for (const name of ["SPHERESIM_EMULATOR", "SPHERESIM_VCENTER", "SPHERESIM_ESXI", "SPHERESIM_SCHEDULER", "SPHERESIM_ETCD", "ETCDCTL_ENDPOINTS"]) assert.match(variables.get(name) ?? "", /^127\.0\.0\.1:\d+$/, name);
  assert.match(variables.get("SPHERESIM_APISERVER") ?? "", /^https:/);
  assert.match(variables.get("SPHERESIM_EXTENDER") ?? "", /^http:/);
  assert.equal(variables.get("ETCDCTL_API"), "3");
  assert.match(stdout, /^readable$/m);
});

test("plain etcdctl works inside, over mutual TLS and without, whatever the shell has for another etcd", { skip: skipWithout("etcdctl") }, async () => {
  for (const tls of [["--tls"], []]) {
    const { code, stdout, stderr } = await leavingNothing((env) =>
      run([...small, ...tls, "--", "etcdctl", "get", "--prefix", "--keys-only", "/registry/minions/"], { env: { ...env, ETCDCTL_CACERT: "/none/ca.crt", ETCDCTL_CERT: "/none/client.crt", ETCDCTL_KEY: "/none/client.key" } }),
    );
    assert.deepEqual([code, stdout, stderr], [0, "/registry/minions/esxi-01.spheresim.test\n\n", ""]);
  }
});

test("spheresim itself works inside, also another exec", async () => {
  const me = process.argv0 === "" ? "node" : process.execPath;
  const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.js");
  const { code, stdout, stderr } = await leavingNothing((env) =>
    run([...small, "--", "sh", "-c", `"$0" "$1" place -f - && "$0" "$1" trace inside && "$0" "$1" ${small.join(" ")} -- true`, me, main], {
      env,
      input: "apiVersion: v1\nkind: Pod\nmetadata: {name: inside}\nspec: {containers: [{name: app, image: nginx}]}\n",
    }),
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^pod\/inside created$/m);
  assert.match(stdout, /^14 +spherelet +status stored in etcd/m);
});

test("a command that is not there is 127, one that may not run 126, as in a shell", async () => {
  const missing = await leavingNothing((env) => run([...small, "--", "no-such-command-here"], { env }));
  assert.deepEqual([missing.code, missing.stderr], [127, "spheresim: command no-such-command-here: not found; is it installed and on PATH?\n"]);
  const forbidden = await leavingNothing((env) => run([...small, "--", "/etc/passwd"], { env }));
  assert.deepEqual([forbidden.code, forbidden.stderr], [126, "spheresim: command /etc/passwd: cannot be run (EACCES)\n"]);
});

test("a command that ends by a signal is 128 and its number", async () => {
  const { code, stderr } = await leavingNothing((env) => run([...small, "--", "sh", "-c", "kill -KILL $$"], { env }));
  assert.equal(code, 137, stderr);
});

test("a wrong option leaves no directory behind", async () => {
  const { code, stderr } = await leavingNothing((env) => run(["exec", "--hosts", "0", "--", "true"], { env }));
  assert.equal(code, 2);
  assert.match(stderr, /^spheresim: option --hosts "0": /);
});

test("directory and ports are not the user's to choose", async () => {
  for (const option of ["--data-dir", "--ports", "--port-base", "--name"]) {
    const { code, stderr } = await leavingNothing((env) => run(["exec", option, "1", "--", "true"], { env }));
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^spheresim: unknown option '${option}'.*; spheresim exec --help lists its options\\n$`));
  }
});

test("a TERM while it is still starting leaves nothing behind", linux, async () => {
  await leavingNothing(async (env) => {
    const command = start(["exec", "--", "true"], { env });
    const below = await eventually("a plane has been started", () => {
      const pids = descendantsOf(command.pid);
      return pids.length > 0 && pids;
    });
    process.kill(command.pid, "SIGTERM");
    assert.equal(await command.ended, 143);
    assert.equal(command.stderr(), "");
    await eventually("no plane is left", () => !below.some(isRunning));
  });
});

test("a TERM is passed on, and the command decides how it ends", async () => {
  await leavingNothing(async (env) => {
    const command = start([...small, "--", "sh", "-c", 'trap "echo heard; exit 5" TERM; echo up; while :; do sleep 0.05; done'], { env });
    assert.equal(await command.line(), "up");
    process.kill(command.pid, "SIGTERM");
    assert.equal(await command.line(), "heard");
    assert.equal(await command.ended, 5);
  });
});

test("kill -9 of the parent ends the command, even a deaf one, and everything else", linux, async () => {
  await leavingNothing(async (env) => {
    const shell = startBelowShell(["exec", "--hosts", "1", "--", "sh", "-c", 'trap "" TERM; echo up; while :; do sleep 0.05; done'], { env });
    assert.equal(await shell.line(), "up");
    const below = descendantsOf(shell.pid);
    process.kill(shell.pid, "SIGKILL");
    await eventually("nothing is left", () => !below.some(isRunning));
  });
});

test("a reader that has seen enough ends nothing with a stack trace", async () => {
  await leavingNothing(async (env) => {
    const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.js");
    const child = spawn("sh", ["-c", '"$0" "$1" exec --hosts 1 --processes one -- "$0" "$1" inventory -o json | head -n 1', process.execPath, main], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await new Promise((resolve) => child.once("close", resolve));
    assert.equal(output, "{\n");
  });
});
