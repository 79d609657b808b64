import assert from "node:assert/strict";
import { test } from "node:test";
import { RuntimeError } from "../../src/crx/runtime/container-runtime.js";
import { ImageProfiles, imageProfiles, unknownImage } from "../../src/crx/runtime/image-profiles.js";
import { type Program, programOf } from "../../src/crx/runtime/program.js";
import { scripted } from "../../src/crx/runtime/program-script.js";
import { ContainerSpec } from "../../src/gen/spheresim/crx/v1/agent.js";

const FOREVER = Number.POSITIVE_INFINITY;
const program = (annotations: Record<string, string>, attempt = 0, change: Partial<ContainerSpec> = {}): Program => {
  const spec = ContainerSpec.create({ name: "c", image: "nginx", annotations, ...change });
  return scripted(programOf(spec), spec.annotations, attempt);
};

test("the worked example: exit-code 1,stays and exits-after 5s exit with 1 after 5 s, and at the second start stay up", () => {
  const annotations = { "exit-code": "1,stays", "exits-after": "5s" };
  const fates = [0, 1, 7].map((attempt) => program(annotations, attempt)).map(({ runsMs, exitCode }) => [runsMs, exitCode]);
  assert.deepEqual(fates, [[5_000, 1], [FOREVER, 0], [FOREVER, 0]]);
});

test("each annotation changes its part of a program, whatever image and command", () => {
  const cases: [Record<string, string>, Partial<Program>][] = [
    [{ "exits-after": "1m30s" }, { runsMs: 90_000, exitCode: 0 }],
    [{ "exit-code": "255" }, { runsMs: 0, exitCode: 255 }],
    [{ "oom-killed": "true", "exits-after": "500ms" }, { oomKilled: true, exitCode: 137, runsMs: 500 }],
    [{ "start-error": "no such file" }, { startError: "no such file" }],
    [{ "on-term": "ignored" }, { onTerm: "ignored" }],
    [{ "on-term": "7", "term-takes": "3s" }, { onTerm: { exitCode: 7 }, termTakesMs: 3_000 }],
    [{ "started-after": "1s", "ready-after": "2s", "unready-after": "3s", "liveness-fails-after": "4s", "answer-takes": "5s" }, { startedAfterMs: 1_000, readyAfterMs: 2_000, unreadyAfterMs: 3_000, livenessFailsAfterMs: 4_000, answerTakesMs: 5_000 }],
    [{ profile: "redis" }, { profile: "redis", speaks: "tcp", cpuMilli: 2, memoryBytes: 8_388_608 }],
    [{ cpu: "1.5", memory: "1G" }, { cpuMilli: 1_500, memoryBytes: 1_000_000_000 }],
  ];
  for (const [annotations, expected] of cases) assert.deepEqual(program(annotations, 0, { command: ["sleep", "9"] }), { ...program({}, 0, "profile" in annotations ? { args: ["-q"] } : { command: ["sleep", "9"] }), ...expected }, JSON.stringify(annotations));
});

test("an annotation that is not known or cannot be read is refused by name", () => {
  const cases: [string, string, RegExp][] = [
    ["exitcode", "1", /^annotation exitcode "1": not known; known are profile, exits-after, exit-code/],
    ["exit-code", "256", /^annotation exit-code "256": must be an exit code from 0 to 255$/],
    ["exit-code", "1,,0", /^annotation exit-code "": must be an exit code/],
    ["exits-after", "5", /^annotation exits-after "5": must be a duration such as 30s or 1m30s$/],
    ["oom-killed", "yes", /must be true or false/],
    ["on-term", "never", /must be an exit code/],
    ["profile", "ngnix", /^annotation profile "ngnix": no such image profile; there are nginx, nginx-unprivileged, httpd, redis/],
    ["constructor", "1", /not known/],
  ];
  for (const [name, text, message] of cases) {
    assert.throws(() => program(JSON.parse(`{"${name}": "${text}"}`) as Record<string, string>), (error) => error instanceof RuntimeError && error.reason === "CreateContainerError" && message.test(error.message), name);
  }
});

test("a user's own profile counts before the built-in one of that image; what it leaves out never happens", () => {
  const own = { name: "own", repositories: ["nginx"], runs: "exits", exitCode: 3, exitsAfterMs: 20, onTerm: "ignored", argsAreCommand: false, speaks: "nothing", startedAfterMs: 0, readyAfterMs: 5, cpuMilli: 0, memoryBytes: 0 } as const;
  const { profile, runsMs, exitCode, readyAfterMs, livenessFailsAfterMs } = programOf(ContainerSpec.create({ image: "nginx:1.29" }), new ImageProfiles([own]));
  assert.deepEqual([profile, runsMs, exitCode, readyAfterMs, livenessFailsAfterMs], ["own", 20, 3, 5, FOREVER]);
});

test("the table: names are unique, no repository stands twice, the unknown image stays up", () => {
  assert.equal(new Set(imageProfiles.map(({ name }) => name)).size, imageProfiles.length);
  const repositories = imageProfiles.flatMap((profile) => profile.repositories);
  assert.equal(new Set(repositories).size, repositories.length);
  assert.equal(unknownImage.runs, "serves");
  assert.deepEqual(["liveness", "pause", "netexec"].map((word) => program({}, 0, { image: "agnhost", args: [word] })).map(({ livenessFailsAfterMs, speaks }) => [livenessFailsAfterMs, speaks]), [[10_000, "anything"], [FOREVER, "nothing"], [FOREVER, "anything"]]);
});
