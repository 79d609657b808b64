import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertRefused, badRequests, named, PODS, spec } from "./bad-requests.js";
import { type Cluster, startCluster } from "./cluster.js";
import { RawClient } from "./raw-client.js";

describe("bad input", () => {
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

  for (const request of badRequests) test(request.what, () => assertRefused(raw, request));

  test("nothing was stored and the server is up", async () => {
    assert.deepEqual((await raw.send("GET", "/api/v1/pods")).json.items, []);
  });

  test("fieldValidation=Warn stores and warns, Ignore stores in silence", async () => {
    const body = { ...named("warned"), spec: { ...spec, foo: 1 } };
    const warned = await raw.send("POST", `${PODS}?fieldValidation=Warn`, { body });
    assert.deepEqual([warned.status, warned.headers["warning"], warned.json.spec.foo], [201, '299 - "unknown field \\"spec.foo\\""', undefined]);
    assert.equal((await raw.send("POST", `${PODS}?fieldValidation=Ignore`, { body: { ...body, metadata: { name: "ignored" } } })).headers["warning"], undefined);
  });
});
