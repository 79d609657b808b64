import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../../../", import.meta.url));

/** A tree that keeps to the table: one file of each kind. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "src/base/clock.ts": ["node:timers"],
  "src/gen/a/host.ts": [],
  "src/gen/a/host_service.ts": ["./host.js"],
  "src/kubernetes/quota.ts": ["../base/clock.js"],
  "src/rpc/server.ts": ["../base/clock.js", "@grpc/grpc-js"],
  "src/vcenter/inventory.ts": ["../base/clock.js", "../gen/a/host.js"],
  "src/vcenter/service.ts": ["./inventory.js", "../rpc/server.js", "../gen/a/host_service.js"],
  "src/vcenter/index.ts": ["./service.js", "../rpc/server.js"],
  "src/hostd/services/guest.ts": ["../machine.js", "../../rpc/server.js"],
  "src/hostd/machine.ts": ["../kubernetes/quota.js"],
  "src/hostd/index.ts": ["./services/guest.js"],
  "src/scheduler/extension/service.ts": ["../../rpc/server.js"],
  "src/daemon/index.ts": ["../vcenter/index.js", "../hostd/index.js", "../rpc/server.js"],
  "src/cli/up.ts": ["../daemon/index.js", "../rpc/server.js"],
  "src/cli/place.ts": ["../rpc/server.js"],
  "src/contract/kit.ts": ["../rpc/server.js"],
};

/** Writes the tree with extra imports and runs the check over it. */
function check(t: TestContext, extra: Readonly<Record<string, readonly string[]>>): { readonly status: number | null; readonly output: string } {
  const root = mkdtempSync(join(tmpdir(), "spheresim-imports-"));
  t.after(() => rmSync(root, { recursive: true }));
  symlinkSync(join(project, "node_modules"), join(root, "node_modules"));
  for (const file of new Set([...Object.keys(allowed), ...Object.keys(extra)])) {
    const imports = [...(allowed[file] ?? []), ...(extra[file] ?? [])];
    mkdirSync(dirname(join(root, file)), { recursive: true });
    // Types alone count too: a room that needs another one's types knows it.
    writeFileSync(join(root, file), `${imports.map((target, index) => `import type * as i${index} from "${target}";`).join("\n")}\nexport const here = 1;\n`);
  }
  const run = spawnSync(process.execPath, [join(project, "scripts", "check-imports.mjs"), "--root", root], { encoding: "utf8" });
  return { status: run.status, output: `${run.stdout}${run.stderr}` };
}

test("a tree that keeps to the table passes in one line", (t) => {
  const { status, output } = check(t, {});
  assert.equal(status, 0, output);
  assert.equal(output, "imports: 16 files, 24 imports, all as the house plan allows\n");
});

const planted: readonly (readonly [string, string, string])[] = [
  ["src/base/clock.ts", "../gen/a/host.js", "base"],
  ["src/base/clock.ts", "pino", "base-packages"],
  ["src/kubernetes/quota.ts", "../rpc/server.js", "leaves"],
  ["src/rpc/server.ts", "../vcenter/inventory.js", "leaves"],
  ["src/vcenter/index.ts", "../hostd/index.js", "rooms"],
  ["src/vcenter/inventory.ts", "../hostd/machine.js", "rooms"],
  ["src/vcenter/index.ts", "../daemon/index.js", "rooms"],
  ["src/vcenter/inventory.ts", "../rpc/server.js", "domain-without-wires"],
  ["src/vcenter/inventory.ts", "../gen/a/host_service.js", "domain-without-services"],
  ["src/vcenter/service.ts", "@grpc/grpc-js", "grpc-behind-rpc"],
  ["src/daemon/index.ts", "../vcenter/inventory.js", "daemon"],
  ["src/cli/place.ts", "../daemon/index.js", "commands"],
  ["src/cli/up.ts", "../vcenter/index.js", "starting-commands"],
  ["src/contract/kit.ts", "../vcenter/index.js", "contract"],
  ["src/gen/a/host.ts", "../../base/clock.js", "generated"],
  ["src/daemon/index.ts", "../cli/place.js", "daemon"],
  ["src/hostd/machine.ts", "./services/guest.js", "no-cycles"],
  ["src/hostd/machine.ts", "./nowhere.js", "resolvable"],
];

test("every planted import is caught, by the rule it breaks", (t) => {
  const extra: Record<string, string[]> = {};
  for (const [file, target] of planted) (extra[file] ??= []).push(target);
  const { status, output } = check(t, extra);
  assert.equal(status, 1, output);
  const caught = [...output.matchAll(/^ {2}(\S+) -> (\S+).*\n {4}(\S+): /gm)].map(([, file, , rule]) => `${file} ${rule}`);
  for (const [file, , rule] of planted) assert.ok(caught.includes(`${file} ${rule}`), `${file} ${rule}\n${output}`);
  assert.match(output, /domain-without-wires: domain files of a room know no rpc/);
});

test("a file in no place of the house plan is refused", (t) => {
  const { status, output } = check(t, { "src/utils/things.ts": [] });
  assert.equal(status, 1);
  assert.match(output, /src\/utils\/things\.ts/);
});
