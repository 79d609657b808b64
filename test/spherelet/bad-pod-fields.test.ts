import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { corePod } from "../../src/apiserver/schema/core-pod.js";
import { coreVolume } from "../../src/apiserver/schema/core-volume.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import { configMaps, nodes, pods, secrets } from "../../src/kubernetes/resource-type.js";
import { type Cluster, startCluster } from "../apiserver/cluster.js";
import { RawClient } from "../apiserver/raw-client.js";
import { eventually, settled } from "../support/eventually.js";
import { type BadField, badFields, heedless, present, refusedVolumes, specOf } from "./bad-pod-fields.js";
import { PodHarness } from "./pod-harness.js";
import { HOST, inTime, type SphereletWorld, withSpherelets } from "./spherelet-world.js";

const title = ({ field, what }: BadField): string => `${field}, ${what}`;

/** `Type.field` of every field of these types. */
function fieldsOf(types: readonly string[]): string[] {
  const lines = `${corePod}${coreVolume}`.replaceAll("\n  ", " ").split("\n");
  return types.flatMap((type) => {
    const line = lines.find((each) => each.startsWith(`${type} `));
    assert.ok(line !== undefined, `the schema has ${type}`);
    return line.split(" ").slice(1).flatMap((word) => (word.startsWith("...") ? (word.startsWith("...LocalObjectReference") ? [`${type}.name`] : []) : [`${type}.${word.split(":")[0]}`]));
  });
}

test("every field that a pod is run by has a line in the table, or a word on why it has none", () => {
  const wanted = fieldsOf([
    "PodSpec", "Container", "ContainerPort", "ResourceRequirements", "EnvVar", "EnvVarSource", "ObjectFieldSelector", "ResourceFieldSelector", "ConfigMapKeySelector", "SecretKeySelector", "EnvFromSource",
    "ConfigMapEnvSource", "SecretEnvSource", "VolumeMount", "Probe", "ProbeHandler", "ExecAction", "HTTPGetAction", "TCPSocketAction", "GRPCAction", "Lifecycle", "LifecycleHandler", "SleepAction", "Volume",
    "VolumeSource", "EmptyDirVolumeSource", "ConfigMapVolumeSource", "SecretVolumeSource", "KeyToPath", "DownwardAPIVolumeSource", "DownwardAPIVolumeFile", "ProjectedVolumeSource", "VolumeProjection",
  ]);
  const told = new Set([...badFields.map(({ field }) => field), ...Object.keys(heedless), ...refusedVolumes.map((name) => `VolumeSource.${name}`)].flatMap((fields) => fields.split(" ")));
  assert.deepEqual(wanted.filter((field) => !told.has(field)), [], "fields without a line");
  assert.deepEqual([...told].filter((field) => !wanted.includes(field)), [], "lines without a field");
});

describe("the API server refuses", () => {
  let cluster: Cluster;
  let raw: RawClient;
  before(async () => {
    cluster = await startCluster();
    raw = new RawClient(cluster.server.address, cluster.admin);
  });
  after(async () => {
    raw.close();
    await cluster.close();
  });
  for (const row of badFields.filter(({ api }) => api !== undefined)) {
    test(title(row), async () => {
      const { status, json } = await raw.send("POST", "/api/v1/namespaces/default/pods", { body: { apiVersion: "v1", kind: "Pod", metadata: { name: "wrong" }, spec: specOf(row) } });
      const { message: whole, details } = json as { message: string; details?: { causes?: { field: string; message: string }[] } };
      const causes = status === 403 ? [whole] : (details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
      assert.ok(status === 422 || status === 403, JSON.stringify(json));
      assert.ok(causes.includes(row.api ?? ""), causes.join("\n"));
    });
  }
});

describe("the agent tells", () => {
  for (const row of badFields.filter(({ agent }) => agent !== undefined)) {
    test(title(row), async () => {
      const harness = new PodHarness(specOf(row), row.annotations);
      try {
        await harness.boot();
        await harness.pass(2_000);
        await harness.delete();
        assert.ok(harness.lines.includes(row.agent ?? ""), harness.lines.join("\n"));
      } finally {
        await harness.close();
      }
      assert.equal(harness.clock.waiting, 0);
    });
  }
});

/** `reason: message` of what a row is about. */
function saidOf(world: SphereletWorld, name: string, row: BadField): readonly string[] {
  const { status } = world.pod(name) ?? {};
  if (row.event !== undefined) return world.events(name).map(({ reason, message }) => `${reason}: ${message}`);
  if (row.status !== undefined) return [`${status?.reason}: ${status?.message}`];
  const waiting = status?.containerStatuses?.find((each) => each.name === "web")?.state?.waiting;
  return [`${waiting?.reason}: ${waiting?.message}`];
}

const isReady = (world: SphereletWorld, name: string): boolean => findCondition(world.pod(name)?.status?.conditions, "Ready")?.status === "True";

test("the Spherelet says of each what a kubelet says, goes on with those that are mended, and no other pod is disturbed", () =>
  withSpherelets(async (world) => {
    const refused = refusedVolumes.map((kind): BadField => ({ field: kind, what: "refused", spec: { volumes: [{ name: "v", [kind]: {} }] }, event: `FailedMount: MountVolume.SetUp failed for volume "v" : volume kind ${kind} is not supported by vSphere Pods here` }));
    const rows = [...badFields.filter(({ waits, event, status }) => (waits ?? event ?? status) !== undefined), ...refused].map((row, index) => ({ row, name: `wrong-${index}` }));
    await world.cluster.create(configMaps, present.configMap);
    await world.cluster.create(secrets, present.secret);
    await eventually("node", () => world.cluster.peek(nodes, { name: HOST })?.status?.conditions !== undefined);
    await world.configure(await world.createPod("neighbour"));
    await eventually("the neighbour runs", () => isReady(world, "neighbour"));
    for (const { row, name } of rows) await world.configure(await world.createPod(name, specOf(row), { annotations: { ...row.annotations } }));
    for (const { row, name } of rows) {
      await inTime(world, `${title(row)}: ${row.waits ?? row.event ?? row.status}; it says ${saidOf(world, name, row).join("; ")}`, () => saidOf(world, name, row).includes(row.waits ?? row.event ?? row.status ?? ""), 30_000);
    }
    assert.equal(world.agents.started.length, 1, "none of them runs");

    const mended = rows.filter(({ row }) => row.mendedBy !== undefined);
    for (const { row, name } of mended) {
      const { configMap, secret, patch } = row.mendedBy ?? {};
      if (configMap !== undefined) await world.cluster.create(configMaps, { ...configMap, metadata: { name: configMap.metadata?.name ?? "", namespace: "default" } });
      if (secret !== undefined) await world.cluster.create(secrets, { ...secret, metadata: { name: secret.metadata?.name ?? "", namespace: "default" } });
      if (patch !== undefined) await world.cluster.patch(pods, { namespace: "default", name }, { type: "merge", body: patch });
    }
    for (const { row, name } of mended) await inTime(world, `${title(row)} runs once it is mended`, () => isReady(world, name), 60_000);

    const neighbour = world.pod("neighbour");
    assert.deepEqual([neighbour?.status?.phase, neighbour?.status?.containerStatuses?.[0]?.restartCount, world.statusPatches("neighbour")], ["Running", 0, 1]);

    for (const { name } of rows) await world.cluster.delete(pods, { namespace: "default", name }, { gracePeriodSeconds: 1 });
    for (const { row, name } of rows) await inTime(world, `${title(row)} is deleted`, () => world.pod(name)?.metadata.deletionGracePeriodSeconds === 0, 60_000);
    await settled();
    assert.equal(world.statusPatches("neighbour"), 1);
  }));
