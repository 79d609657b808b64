import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { UserError } from "../../src/base/user-error.js";
import { readImageProfiles } from "../../src/daemon/image-profiles.js";

test("the example file is read; without a file there are no profiles", () => {
  const {
    imageProfiles: [service, report, leaks],
    imageErrors,
  } = readImageProfiles(join(examplesDirectory, "image-profiles.yaml"));
  assert.deepEqual([service?.name, service?.readyAfterMs, service?.onTerm, service?.speaks, service?.tlsPorts, service?.user], ["inventory-service", 8_000, { exitCode: 0 }, "http", [8443], "10001"]);
  assert.deepEqual([report?.runs, report?.exitsAfterMs, report?.onTerm], ["exits", 20_000, { exitCode: 143 }]);
  assert.deepEqual([leaks?.repositories, leaks?.livenessFailsAfterMs, leaks?.unreadyAfterMs], [[], 120_000, undefined]);
  assert.deepEqual([leaks?.cpuMilli, leaks?.memoryBytes, service?.cpuMilli, service?.memoryBytes], [20, 256 * 1024 ** 2, 5, 32 * 1024 ** 2]);
  assert.deepEqual(imageErrors, [{ images: "registry.example.com/legacy", error: "unauthorized" }, { images: "ghcr.io", error: "rate-limited", times: 2 }]);
  assert.deepEqual(readImageProfiles(undefined), { imageProfiles: [], imageErrors: [] });
});

test("a field that does not do is named with its line", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "image-profiles-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "profiles.yaml");
  const cases: [string, RegExp][] = [
    ["profiles: 3", /line 1, profiles: /],
    ["profiles:\n  - name: a\n    readyAfter: soon", /line 3, profiles\.0\.readyAfter: must be a duration such as 30s or 1m30s/],
    ["profiles:\n  - name: a\n    exitCode: 256", /line 3, profiles\.0\.exitCode: must be an exit code from 0 to 255/],
    ["profiles:\n  - name: a\n    onTerm: dies", /line 3, profiles\.0\.onTerm: must be an exit code from 0 to 255, or ignored/],
    ["profiles:\n  - name: a\n    repositories: [docker.io/a]", /profiles\.0\.repositories\.0: must be the last part of a repository/],
    ["profiles:\n  - name: a\n    tlsPorts: [0]", /line 3, profiles\.0\.tlsPorts\.0: must be a port from 1 to 65535/],
    ["profiles:\n  - name: a\n    user: -1", /line 3, profiles\.0\.user: must be a user's number or name/],
    ["profiles:\n  - name: a\n    cpu: fast", /line 3, profiles\.0\.cpu: must be a quantity such as 250m/],
    ["profiles:\n  - name: a\n    memory: -1Mi", /line 3, profiles\.0\.memory: must be a quantity such as 64Mi/],
    ["profiles:\n  - name: a\n    colour: red", /line 3, profiles\.0\.colour: is no field of it/],
    ["profiles:\n  - name: a\n  - name: a", /line 3, profiles\.1\.name: a stands twice/],
    ["imageErrors:\n  - images: ghcr.io", /imageErrors\.0\.error: /],
    ["imageErrors:\n  - images: ghcr.io\n    error: down\n    times: 0", /line 4, imageErrors\.0\.times: /],
    ["profiles:\n  - name: A", /profiles\.0\.name: must be lower-case letters, digits and dashes/],
  ];
  for (const [text, message] of cases) {
    writeFileSync(file, text);
    assert.throws(() => readImageProfiles(file), (error) => error instanceof UserError && message.test(error.message) && error.message.startsWith(`image profiles ${file}, `), text);
  }
  assert.throws(() => readImageProfiles(join(directory, "none.yaml")), UserError);
});
