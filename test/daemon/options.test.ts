import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/base/user-error.js";
import { readOptions } from "../../src/daemon/options.js";
import { withDirectory } from "../support/command.js";

/** What a person reads of options that will not do. */
function complaint(flags: Readonly<Record<string, unknown>>, environment: NodeJS.ProcessEnv = {}, file?: string): string {
  try {
    readOptions(flags, environment, file);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("taken as it is");
}

test("ranges of pods' addresses and MACs come by flag, environment or file, and have NSX' prefix when nobody says", async () => {
  const { podCidr, podMacs } = readOptions({}, {});
  assert.deepEqual([podCidr, podMacs], ["10.244.0.0/16", "04:50:56:00:00:00-04:50:56:ff:ff:ff"]);
  assert.equal(readOptions({ podCidr: "172.16.0.0/20" }, { SPHERESIM_POD_CIDR: "172.17.0.0/24" }).podCidr, "172.16.0.0/20");
  assert.equal(readOptions({}, { SPHERESIM_POD_CIDR: "172.17.0.0/24" }).podCidr, "172.17.0.0/24");
  await withDirectory((directory) => {
    const file = join(directory, "options.yaml");
    writeFileSync(file, "podCidr: 172.18.0.0/24\npodMacs: 02:00:00:00:00:00-02:00:00:00:00:ff\n");
    const options = readOptions({}, {}, file);
    assert.deepEqual([options.podCidr, options.podMacs], ["172.18.0.0/24", "02:00:00:00:00:00-02:00:00:00:00:ff"]);
    return Promise.resolve();
  });
});

test("a range that will not do is refused in one line: no range, too small, IPv6, or somebody else's", () => {
  const rule = "must be an IPv4 range from /8 to /29, such as 10.244.0.0/16";
  const rows: readonly (readonly [string, string])[] = [
    ["10.244.0.0", rule],
    ["10.244.0.0/30", rule],
    ["fd00:244::/64", rule],
    ["10.244.7.0/16", "must begin at its first address: 10.244.0.0/16"],
    ["10.245.3.0/24", "overlaps 10.245.0.0/16, addresses that Spherelets give to pods without one"],
    ["10.248.0.0/13", "overlaps 10.248.0.0/16, addresses that Spherelets give to pods without one"],
    ["10.96.0.0/24", "overlaps 10.96.0.0/16, the cluster addresses of Services"],
  ];
  for (const [podCidr, why] of rows) assert.equal(complaint({ podCidr }), `option --pod-cidr "${podCidr}": ${why}`);
  assert.equal(complaint({ podMacs: "04:50:56" }), 'option --pod-macs "04:50:56": must be the first and the last MAC address, such as 04:50:56:00:00:00-04:50:56:ff:ff:ff');
  assert.match(complaint({}, { SPHERESIM_POD_CIDR: "x" }), /^option SPHERESIM_POD_CIDR "x": must be/);
});
