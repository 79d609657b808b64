import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import type { KubernetesObject } from "../../src/kubernetes/object-meta.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import type { LimitRange, LimitRangeItem, ResourceQuota, ResourceQuotaSpec } from "../../src/kubernetes/resource-policy.js";
import { configMaps, deployments, limitRanges, namespaces, pods, resourceQuotas, services } from "../../src/kubernetes/resource-type.js";
import { ApiError } from "../../src/kubernetes/status.js";
import { eventually } from "../support/eventually.js";

/** An API server with its controllers, and how to end it. */
export interface Served {
  readonly client: RestClient;
  close(): Promise<void>;
}

type Resources = Readonly<Record<"requests" | "limits", Readonly<Record<string, string>>>>;

/** A pod that nobody places. */
function gated(namespace: string, name: string, containers: readonly (Partial<Resources> | undefined)[], spec: object = {}): never {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name },
    spec: { schedulingGates: [{ name: "test/held" }], containers: containers.map((resources, index) => ({ name: `c${index}`, image: "i", ...(resources ? { resources } : {}) })), ...spec },
  } as never;
}

/** What quotas and limit ranges must do at any API server with a resource quota controller. */
export function quotaContract(where: string, start: () => Promise<Served>, skip: string | false = false): void {
  describe(`quotas and limit ranges of ${where}`, { skip }, () => {
    let served: Served;
    let client: RestClient;
    let number = 0;
    before(async () => {
      served = await start();
      client = served.client;
    });
    after(() => served?.close());

    const space = async (): Promise<string> => {
      const name = `quota-${(number += 1)}`;
      await client.create(namespaces, { metadata: { name } });
      return name;
    };
    const refusal = async (call: Promise<unknown>): Promise<[number, string]> => {
      try {
        await call;
      } catch (error) {
        if (error instanceof ApiError) return [error.code, error.message];
        throw error;
      }
      throw new Error("it was not refused");
    };
    const quotaIn = async (namespace: string, spec: ResourceQuotaSpec, name = "q"): Promise<void> => {
      await client.create(resourceQuotas, { metadata: { namespace, name }, spec });
      await eventually("the quota is counted", async () => (await client.get(resourceQuotas, { namespace, name })).status?.used !== undefined);
    };
    const used = async (namespace: string, name = "q"): Promise<Readonly<Record<string, string>> | undefined> => (await client.get(resourceQuotas, { namespace, name })).status?.used;
    const becomes = (namespace: string, expected: Readonly<Record<string, string>>): Promise<unknown> =>
      eventually(`used is ${JSON.stringify(expected)}`, async () => {
        assert.deepEqual(await used(namespace), expected);
        return true;
      });
    const rangeIn = (namespace: string, limits: readonly LimitRangeItem[], name = "r"): Promise<LimitRange> => client.create(limitRanges, { metadata: { namespace, name }, spec: { limits } });

    test("a limit range fills in what its items imply", async () => {
      const namespace = await space();
      const made = await rangeIn(namespace, [{ type: "Container", max: { cpu: "500m" }, min: { cpu: "100m", memory: "64Mi" } }, { type: "Pod", max: { cpu: "2" } }]);
      assert.deepEqual(made.spec?.limits, [
        { type: "Container", max: { cpu: "500m" }, min: { cpu: "100m", memory: "64Mi" }, default: { cpu: "500m" }, defaultRequest: { cpu: "500m", memory: "64Mi" } },
        { type: "Pod", max: { cpu: "2" } },
      ]);
    });

    test("a limit range that contradicts itself is refused, every contradiction named", async () => {
      const namespace = await space();
      const [code, message] = await refusal(rangeIn(namespace, [{ type: "Container", min: { cpu: "2" }, max: { cpu: "1" }, maxLimitRequestRatio: { memory: "500m" } }, { type: "Pod", default: { cpu: "1" } }, { type: "Pod" }, { type: "Host" }]));
      assert.equal(code, 422);
      for (const text of [
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
        "spec.limits[1].default: Forbidden: may not be specified when `type` is 'Pod'",
        'spec.limits[2].type: Duplicate value: "Pod"',
        'spec.limits[3].type: Invalid value: "Host": must be a standard limit type or fully qualified',
      ]) {
        assert.ok(message.includes(text), `${text} is not in ${message}`);
      }
    });

    test("defaults reach containers and init containers, and the annotation says so", async () => {
      const namespace = await space();
      await rangeIn(namespace, [{ type: "Container", default: { cpu: "400m", memory: "2Gi" }, defaultRequest: { cpu: "100m" } }]);
      const pod: Pod = await client.create(pods, gated(namespace, "p", [undefined, { limits: { cpu: "1" } }], { initContainers: [{ name: "i", image: "i" }] }));
      assert.deepEqual(pod.spec.containers.map(({ resources }) => resources), [
        { requests: { cpu: "100m", memory: "2Gi" }, limits: { cpu: "400m", memory: "2Gi" } },
        // A limit that is stated is the request too, before limit ranges are asked.
        { requests: { cpu: "1", memory: "2Gi" }, limits: { cpu: "1", memory: "2Gi" } },
      ]);
      assert.equal(
        pod.metadata.annotations?.["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; memory request for container c1; memory limit for container c1; cpu, memory request for init container i; cpu, memory limit for init container i",
      );
      assert.equal(pod.status?.qosClass, "Burstable");
    });

    test("bounds of containers and pods: all violations in one refusal", async () => {
      const namespace = await space();
      await rangeIn(namespace, [
        { type: "Container", min: { cpu: "200m" }, max: { memory: "1Gi" }, maxLimitRequestRatio: { cpu: "2" }, default: { memory: "1Gi" } },
        { type: "Pod", max: { cpu: "1" } },
      ]);
      const asked = (resources: Partial<Resources>): Promise<[number, string]> => refusal(client.create(pods, gated(namespace, "p", [resources])));
      assert.deepEqual(await asked({ requests: { cpu: "100m" }, limits: { cpu: "900m", memory: "2Gi" } }), [
        403,
        'pods "p" is forbidden: [minimum cpu usage per Container is 200m, but request is 100m, maximum memory usage per Container is 1Gi, but limit is 2Gi, cpu max limit to request ratio per Container is 2, but provided ratio is 9.000000]',
      ]);
      assert.deepEqual(await asked({ requests: { cpu: "600m" } }), [403, 'pods "p" is forbidden: [cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0, maximum cpu usage per Pod is 1.  No limit is specified]']);
      assert.deepEqual(await refusal(client.create(pods, gated(namespace, "p", [{ limits: { cpu: "600m" } }, { limits: { cpu: "600m" } }]))), [403, 'pods "p" is forbidden: maximum cpu usage per Pod is 1, but limit is 1200m']);
      await client.create(pods, gated(namespace, "p", [{ limits: { cpu: "1" } }]));
    });

    test("validation comes before bounds: a request over the default limit is invalid, not forbidden", async () => {
      const namespace = await space();
      await rangeIn(namespace, [{ type: "Container", min: { cpu: "100m" }, max: { cpu: "500m" } }]);
      const [code, message] = await refusal(client.create(pods, gated(namespace, "p", [{ requests: { cpu: "700m" } }])));
      assert.deepEqual([code, message], [422, 'Pod "p" is invalid: spec.containers[0].resources.requests: Invalid value: "700m": must be less than or equal to cpu limit of 500m']);
    });

    test("a quota with wrong names, amounts or scopes is refused", async () => {
      const namespace = await space();
      const asked = (spec: ResourceQuotaSpec): Promise<[number, string]> => refusal(client.create(resourceQuotas, { metadata: { namespace, name: "q" }, spec }));
      assert.deepEqual(await asked({ hard: { bananas: "1" } }), [
        422,
        'ResourceQuota "q" is invalid: [spec.hard[bananas]: Invalid value: "bananas": must be a standard resource type or fully qualified, spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota]',
      ]);
      assert.deepEqual(await asked({ hard: { pods: "-1" } }), [422, 'ResourceQuota "q" is invalid: spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']);
      assert.deepEqual(await asked({ hard: { pods: "1500m" } }), [422, 'ResourceQuota "q" is invalid: spec.hard[pods]: Invalid value: "1500m": must be an integer']);
      assert.match((await asked({ hard: { pods: "1" }, scopes: ["BestEffort", "NotBestEffort"] }))[1], /^ResourceQuota "q" is invalid: spec\.scopes: Invalid value: \["BestEffort","NotBestEffort"\]: conflicting scopes$/);
      assert.match((await asked({ hard: { cpu: "1" }, scopes: ["BestEffort"] }))[1], /unsupported scope applied to resource/);
      assert.match((await asked({ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In" }] } }))[1], /spec\.scopeSelector\.matchExpressions\.values: Required value: must be at least one value/);
    });

    test("a pod is charged for what it asks, refused when it says too little or asks too much, and forgiven when it goes", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { pods: "2", "requests.cpu": "1", "limits.memory": "2Gi", "count/pods": "9" } });
      assert.deepEqual(await used(namespace), { "count/pods": "0", "limits.memory": "0", pods: "0", "requests.cpu": "0" });
      assert.deepEqual(await refusal(client.create(pods, gated(namespace, "none", [undefined, { limits: { memory: "1Mi" } }]))), [
        403,
        'pods "none" is forbidden: failed quota: q: must specify limits.memory for: c0; requests.cpu for: c0,c1',
      ]);
      await client.create(pods, gated(namespace, "one", [{ requests: { cpu: "600m" }, limits: { memory: "1Gi" } }]));
      assert.deepEqual(await used(namespace), { "count/pods": "1", "limits.memory": "1Gi", pods: "1", "requests.cpu": "600m" });
      assert.deepEqual(await refusal(client.create(pods, gated(namespace, "two", [{ requests: { cpu: "500m" }, limits: { memory: "1536Mi" } }]))), [
        403,
        'pods "two" is forbidden: exceeded quota: q, requested: limits.memory=1536Mi,requests.cpu=500m, used: limits.memory=1Gi,requests.cpu=600m, limited: limits.memory=2Gi,requests.cpu=1',
      ]);
      await client.patch(pods, { namespace, name: "one" }, { type: "merge", body: { status: { phase: "Failed" } } }, { subresource: "status" });
      await becomes(namespace, { "count/pods": "1", "limits.memory": "0", pods: "0", "requests.cpu": "0" });
      await client.delete(pods, { namespace, name: "one" });
      await becomes(namespace, { "count/pods": "0", "limits.memory": "0", pods: "0", "requests.cpu": "0" });
    });

    test("a taken name and a dry run charge nothing; a dry run is refused like a real one", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { "count/configmaps": "3" } });
      // The namespace's root certificate is one.
      await becomes(namespace, { "count/configmaps": "1" });
      const map = (name: string): never => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name } }) as never;
      await client.create(configMaps, map("a"));
      assert.equal((await refusal(client.create(configMaps, map("a"))))[0], 409);
      await client.raw("POST", `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, map("dry"));
      assert.deepEqual(await used(namespace), { "count/configmaps": "2" });
      await client.create(configMaps, map("b"));
      const over = 'configmaps "c" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=3, limited: count/configmaps=3';
      assert.deepEqual(await refusal(client.raw("POST", `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, map("c"))), [403, over]);
      assert.deepEqual(await refusal(client.create(configMaps, map("c"))), [403, over]);
    });

    test("objects of other groups, services by kind, and what this cluster does not have", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { "count/deployments.apps": "0", "services.nodeports": "1", services: "5", persistentvolumeclaims: "4" } });
      const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
      const [, text] = await refusal(client.create(deployments, { metadata: { namespace, name: "d" }, spec: { selector: { matchLabels: { a: "b" } }, template } }));
      assert.equal(text, 'deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0');
      const service = (name: string, type: string): Promise<KubernetesObject> => client.create(services, { metadata: { namespace, name }, spec: { type, ports: [{ port: 80 }] } });
      await service("plain", "ClusterIP");
      await service("outside", "NodePort");
      assert.match((await refusal(service("again", "NodePort")))[1], /exceeded quota: q, requested: services\.nodeports=1, used: services\.nodeports=1, limited: services\.nodeports=1$/);
      assert.deepEqual(await used(namespace), { "count/deployments.apps": "0", persistentvolumeclaims: "0", services: "2", "services.nodeports": "1" });
      const opened = client.patch(services, { namespace, name: "plain" }, { type: "merge", body: { spec: { type: "NodePort" } } });
      assert.match((await refusal(opened))[1], /^services "plain" is forbidden: exceeded quota: q, requested: services\.nodeports=1, used: services\.nodeports=1, limited: services\.nodeports=1$/);
      await client.delete(services, { namespace, name: "outside" });
      await becomes(namespace, { "count/deployments.apps": "0", persistentvolumeclaims: "0", services: "1", "services.nodeports": "0" });
      await client.patch(services, { namespace, name: "plain" }, { type: "merge", body: { spec: { type: "NodePort" } } });
      assert.equal((await used(namespace))?.["services.nodeports"], "1");
    });

    test("scopes: a quota counts only its pods", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { pods: "1" }, scopes: ["BestEffort"] });
      await quotaIn(namespace, { hard: { pods: "1" }, scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["system-cluster-critical"] }] } }, "critical");
      await client.create(pods, gated(namespace, "besteffort", [undefined]));
      await client.create(pods, gated(namespace, "burstable", [{ requests: { cpu: "1" } }]));
      assert.match((await refusal(client.create(pods, gated(namespace, "more", [undefined]))))[1], /exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1$/);
      await client.create(pods, gated(namespace, "vip", [{ requests: { cpu: "1" } }], { priorityClassName: "system-cluster-critical" }));
      assert.match((await refusal(client.create(pods, gated(namespace, "vip2", [{ requests: { cpu: "1" } }], { priorityClassName: "system-cluster-critical" }))))[1], /exceeded quota: critical,/);
      assert.deepEqual([await used(namespace), await used(namespace, "critical")], [{ pods: "1" }, { pods: "1" }]);
    });

    test("two quotas: refused by one, charged to neither", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { pods: "5" } }, "q");
      await quotaIn(namespace, { hard: { "requests.cpu": "1" } }, "r");
      await client.create(pods, gated(namespace, "a", [{ requests: { cpu: "1" } }]));
      assert.match((await refusal(client.create(pods, gated(namespace, "b", [{ requests: { cpu: "1" } }]))))[1], /exceeded quota: r,/);
      assert.deepEqual([await used(namespace, "q"), await used(namespace, "r")], [{ pods: "1" }, { "requests.cpu": "1" }]);
    });

    test("what was there before the quota counts; a changed quota is enforced and may be overdrawn already", async () => {
      const namespace = await space();
      for (const name of ["a", "b"]) await client.create(pods, gated(namespace, name, [undefined]));
      await quotaIn(namespace, { hard: { pods: "3" } });
      await becomes(namespace, { pods: "2" });
      await client.patch(resourceQuotas, { namespace, name: "q" }, { type: "merge", body: { spec: { hard: { pods: "1" } } } });
      await eventually("the new figure is in force", async () => (await client.get(resourceQuotas, { namespace, name: "q" })).status?.hard?.["pods"] === "1");
      assert.match((await refusal(client.create(pods, gated(namespace, "c", [undefined]))))[1], /requested: pods=1, used: pods=2, limited: pods=1$/);
      await client.delete(resourceQuotas, { namespace, name: "q" });
      await client.create(pods, gated(namespace, "c", [undefined]));
    });

    test("creates at the same time, with deletes and recounts between them, never overdraw a quota", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { pods: "10" } });
      let most = 0;
      let refused = 0;
      for (let round = 0; round < 6; round += 1) {
        const names = Array.from({ length: 25 }, (_, index) => `p${round}-${index}`);
        const outcomes = await Promise.allSettled(names.map((name) => client.create(pods, gated(namespace, name, [undefined]))));
        for (const outcome of outcomes) {
          if (outcome.status === "fulfilled") continue;
          assert.match((outcome.reason as Error).message, /exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10/);
          refused += 1;
        }
        const there = (await client.list(pods, { namespace })).items;
        most = Math.max(most, there.length);
        assert.ok(there.length <= 10, `${there.length} pods are stored`);
        await Promise.all(there.slice(0, 4).map((pod) => client.delete(pods, { namespace, name: pod.metadata.name })));
      }
      assert.equal(most, 10);
      assert.ok(refused > 0);
      const left = (await client.list(pods, { namespace })).items.length;
      await becomes(namespace, { pods: String(left) });
    });

    test("status is a subresource: spec and status do not write each other", async () => {
      const namespace = await space();
      const made: ResourceQuota = await client.create(resourceQuotas, { metadata: { namespace, name: "q" }, spec: { hard: { pods: "3" } }, status: { used: { pods: "2" } } });
      assert.equal(made.status?.used, undefined);
      await becomes(namespace, { pods: "0" });
      const [code, message] = await refusal(client.patch(resourceQuotas, { namespace, name: "q" }, { type: "merge", body: { status: { used: { bananas: "1" } } } }, { subresource: "status" }));
      assert.equal(code, 422);
      assert.match(message, /status\.used\[bananas\]: Invalid value: "bananas": must be a standard resource for quota/);
    });

    test("a namespace takes its quotas and limit ranges with it", async () => {
      const namespace = await space();
      await quotaIn(namespace, { hard: { pods: "1" } });
      await rangeIn(namespace, [{ type: "Container", max: { cpu: "1" } }]);
      await client.delete(namespaces, { name: namespace });
      await eventually("the namespace is gone", async () => (await client.list(namespaces)).items.every(({ metadata }) => metadata.name !== namespace));
      assert.deepEqual([(await client.list(resourceQuotas, { namespace })).items, (await client.list(limitRanges, { namespace })).items], [[], []]);
    });
  });
}
