import assert from "node:assert/strict";
import { test } from "node:test";
import { ContainerSpec } from "../../src/gen/spheresim/crx/v1/agent.js";
import { ImageProfiles } from "../../src/crx/runtime/image-profiles.js";
import { programOf } from "../../src/crx/runtime/program.js";

const FOREVER = Number.POSITIVE_INFINITY;
const run = (image: string, command: string[] = [], args: string[] = [], change: Partial<ContainerSpec> = {}): [number, number] => {
  const { runsMs, exitCode } = programOf(ContainerSpec.create({ name: "c", image, command, args, ...change }));
  return [runsMs, exitCode];
};
const sh = (script: string, env: Record<string, string> = {}): [number, number] => run("busybox", ["/bin/sh", "-c", script], [], { env });

test("an image is known by the last part of its repository", () => {
  for (const [image, name] of [
    ["nginx", "nginx"],
    ["docker.io/library/nginx:1.29@sha256:0123", "nginx"],
    ["localhost:5000/team/redis", "redis"],
    ["registry.k8s.io/pause:3.9", "pause"],
    ["registry.k8s.io/busybox:1.27.2", "shell"],
    ["fake-image", "unknown"],
  ] as const) assert.equal(new ImageProfiles().of(image).name, name, image);
});

test("an image without a command runs as its profile says", () => {
  assert.deepEqual(run("nginx"), [FOREVER, 0]);
  assert.deepEqual(run("busybox"), [0, 0]);
  assert.deepEqual(run("fake-image"), [FOREVER, 0]);
  assert.deepEqual(programOf(ContainerSpec.create({ image: "nginx" })).onTerm, { exitCode: 0 });
  assert.deepEqual(programOf(ContainerSpec.create({ image: "fake-image" })).onTerm, { exitCode: 143 });
});

test("commands end as they say", () => {
  assert.deepEqual(run("busybox", ["true"]), [0, 0]);
  assert.deepEqual(run("busybox", ["wget", "-O", "/work-dir/index.html", "http://info.cern.ch"]), [0, 0]);
  assert.deepEqual(run("busybox", ["/bin/false"]), [0, 1]);
  assert.deepEqual(run("busybox", ["sleep", "3600"]), [3_600_000, 0]);
  assert.deepEqual(run("busybox", ["sleep"], ["1.5m"]), [90_000, 0]);
  assert.deepEqual(run("alpine", ["sleep", "inf"]), [FOREVER, 0]);
  assert.deepEqual(run("busybox", [], ["sleep", "5"]), [5_000, 0]);
  assert.deepEqual(run("busybox", ["echo"], ["it's; exit 3"]), [0, 0]);
  assert.deepEqual(run("nginx", [], ["-g", "daemon off;"]), [FOREVER, 0]);
  assert.deepEqual(run("registry.k8s.io/e2e-test-images/agnhost:2.40", [], ["liveness"]), [FOREVER, 0]);
  assert.deepEqual(run("vendor/own", ["/app/server"], ["--port=80"]), [FOREVER, 0]);
  assert.equal(programOf(ContainerSpec.create({ image: "busybox", command: ["sleep", "9"] })).onTerm, "ignored");
  assert.deepEqual(programOf(ContainerSpec.create({ image: "x", command: ["redis-server"] })).onTerm, { exitCode: 0 });
});

test("scripts are followed through lists, conditions and loops", () => {
  assert.deepEqual(sh('echo "Hello world! I\'m going to exit with 42 to simulate a software bug." && sleep 30 && exit 42'), [30_000, 42]);
  assert.deepEqual(sh("while true; do date; sleep 5; done"), [FOREVER, 0]);
  assert.deepEqual(sh('echo "greeting=hello" > /config/app.conf; while true; do sleep 3600; done'), [FOREVER, 0]);
  assert.deepEqual(sh("sleep 1; false || exit 7"), [1_000, 7]);
  assert.deepEqual(sh("! false && exit 4"), [0, 4]);
  assert.deepEqual(sh("for i in 1 2 3; do echo $i; sleep 2; done"), [6_000, 0]);
  assert.deepEqual(sh("for i in 1 2 3; do if [ $i -eq 2 ]; then break; fi; sleep 1; done; exit 5"), [1_000, 5]);
  assert.deepEqual(sh("set -e\nfalse\nsleep 9"), [0, 1]);
  assert.deepEqual(sh("if [ -n \"$MODE\" ]; then exit 3; else exit 4; fi", { MODE: "x" }), [0, 3]);
  assert.deepEqual(sh("echo a | tee /b; (sleep 2; exit 9)"), [2_000, 9]);
  assert.deepEqual(sh("sleep 100 & sleep 1"), [1_000, 0]);
  assert.deepEqual(sh("tail -F /opt/logs.txt"), [FOREVER, 0]);
  assert.deepEqual(sh("sleep $DELAY", { DELAY: "4" }), [4_000, 0]);
  assert.deepEqual(sh("# only a word\nexit 2 # and why"), [0, 2]);
  assert.deepEqual(run("busybox", ["sh", "-ec"], ["false; sleep 1"]), [0, 1]);
});

test("what is not understood stays up until it is stopped", () => {
  assert.deepEqual(sh("until nslookup myservice; do sleep 2; done"), [FOREVER, 0]);
  assert.deepEqual(sh("sleep $(shuf -i 1-9 -n 1)"), [FOREVER, 0]);
  assert.deepEqual(sh("case $X in a) exit 1;; esac"), [FOREVER, 0]);
  assert.deepEqual(sh("echo 'unclosed"), [FOREVER, 0]);
  assert.deepEqual(sh("/app/start.sh --now"), [FOREVER, 0]);
});

test("a shell listens to TERM only with a trap; stress beyond the limit is killed for memory", () => {
  const program = (script: string): unknown => programOf(ContainerSpec.create({ image: "busybox", command: ["sh", "-c", script] })).onTerm;
  assert.equal(program("sleep 9"), "ignored");
  assert.deepEqual(program("trap 'echo bye; exit 0' TERM; while true; do sleep 1; done"), { exitCode: 0 });
  const stress = { image: "polinux/stress", command: ["stress"], args: ["--vm", "1", "--vm-bytes", "250M", "--vm-hang", "1"], limitMemoryBytes: 104_857_600n };
  const { runsMs, exitCode, onTerm, oomKilled } = programOf(ContainerSpec.create(stress));
  assert.deepEqual({ runsMs, exitCode, onTerm, oomKilled }, { runsMs: 0, exitCode: 137, onTerm: { exitCode: 143 }, oomKilled: true });
  assert.equal(programOf(ContainerSpec.create({ ...stress, limitMemoryBytes: 524_288_000n })).runsMs, FOREVER);
});
