import assert from "node:assert/strict";
import { test } from "node:test";
import { imageDisks, images, namespaces, pods } from "../../src/kubernetes/resource-type.js";
import { imageReferencesOf } from "../../src/kubernetes/vsphere-pod.js";
import { imageObjectName, parseImageReference } from "../../src/lifecycle/image-reference.js";
import { resolveError, resolveErrors } from "../../src/lifecycle/resolve-error.js";
import { eventually, settled } from "../support/eventually.js";
import { HOST, lifecycleWorld } from "./world.js";

const NO_SUCH_HOST = `Failed to resolve on node ${HOST}. Reason: Http request failed. Code 400: ErrorType(2) failed to do request: Head "https://registry.invalid/v2/shop/manifests/v9": dial tcp: lookup registry.invalid: no such host`;

test("an Image goes through its phases, and its events tell of them in a Supervisor's words", async () => {
  const world = await lifecycleWorld({ durations: { imageResolveMs: 4_000, imageFetchMs: 12_000 } });
  await world.create("web");
  const image = await world.becomes("Resolving");
  await eventually("it takes its time", () => world.clock.waiting > 0);
  await world.clock.advance(4_000);
  const fetching = await world.becomes("Fetching");
  assert.match(fetching.status?.chainID ?? "", /^sha256:[0-9a-f]{64}$/);
  assert.equal(imageReferencesOf(world.pod("web")!), undefined, "not before it is there");
  await settled();
  await world.clock.advance(12_000);
  await world.becomes("Ready");
  const { chainID, imageDisk } = fetching.status!;
  await eventually("told", () => world.told(image.metadata.name).length === 5);
  assert.deepEqual(world.told(image.metadata.name), [
    `Normal Status image-controller: ${HOST}: Image status changed to Resolving`,
    `Normal Resolve image-controller: ${HOST}: Image resolved to ChainID ${chainID}`,
    `Normal Bind image-controller: Imagedisk ${imageDisk} successfully bound`,
    "Normal Status image-controller: Image status changed to Fetching",
    "Normal Status image-controller: Image status changed to Ready",
  ]);
  await eventually("the pod is told", () => world.told("web").includes(`Normal Image image-controller: Image ${image.metadata.name} bound successfully`));
});

test("the cache is the cluster's: an image of two namespaces is resolved and fetched once, at the same time or later", async () => {
  const world = await lifecycleWorld({ durations: { imageResolveMs: 4_000, imageFetchMs: 12_000 } });
  await world.cluster.create(namespaces, { metadata: { name: "other" } });
  await world.create("web");
  await world.create("web", { namespace: "other" });
  await eventually("both resolve", () => world.images().filter(({ status }) => status?.phase === "Resolving").length === 2);
  await settled();
  assert.equal(world.clock.waiting, 1, "one resolves for both");
  await world.clock.advance(4_000);
  await eventually("both fetch", () => world.images().filter(({ status }) => status?.phase === "Fetching").length === 2);
  await settled();
  assert.equal(world.clock.waiting, 1, "one fetches for both");
  await world.clock.advance(12_000);
  await eventually("both are there", () => world.images().every(({ status }) => status?.phase === "Ready"));
  assert.equal(new Set(world.images().map(({ status }) => status?.imageDisk)).size, 1);
  assert.equal(new Set(world.images().map(({ metadata }) => metadata.name)).size, 1);
  await world.cluster.create(namespaces, { metadata: { name: "third" } });
  await world.create("web", { namespace: "third" });
  await eventually("no time passes for a third", () => world.images().length === 3 && world.images().every(({ status }) => status?.phase === "Ready"));
  const third = world.images().find(({ metadata }) => metadata.namespace === "third")!;
  assert.deepEqual(third.status, world.images()[0]!.status);
  assert.deepEqual(world.disks(), [third.status?.imageDisk]);
  assert.deepEqual(world.cluster.peekAll(imageDisks)[0]?.spec, { chainID: third.status?.chainID });
});

test("the cache outlives the room and its images; layers whose disk was deleted are fetched anew", async () => {
  const world = await lifecycleWorld();
  await world.create("web");
  const first = await world.becomes("Ready");
  const ready = (): number => world.told(first.metadata.name).filter((text) => text.endsWith("Ready")).length;
  const fetched = (): number => world.told(first.metadata.name).filter((text) => text.endsWith("Fetching")).length;
  await eventually("told", () => ready() === 1);
  await world.cluster.delete(pods, { namespace: "default", name: "web" });
  await world.cluster.delete(images, { namespace: "default", name: first.metadata.name });
  await world.restart();
  await world.create("again");
  await eventually("told", () => ready() === 2);
  assert.equal(fetched(), 1, "found in the cache");
  await world.cluster.delete(pods, { namespace: "default", name: "again" });
  await world.cluster.delete(images, { namespace: "default", name: first.metadata.name });
  await world.cluster.delete(imageDisks, { name: first.status!.imageDisk! });
  await settled();
  await world.create("anew");
  await world.becomes("Ready");
  await eventually("fetched again", () => fetched() === 2);
  assert.equal(world.disks().length, 1);
});

test("a registry nobody knows: the Image is Failed, the pod is given its name all the same, and it is tried after 10 s, 20 s ... 5 min", async () => {
  const world = await lifecycleWorld();
  await world.create("web", { image: "registry.invalid/shop:v9" });
  const image = await world.becomes("Failed", 1);
  assert.deepEqual(image.status, { phase: "Failed", failures: 1, message: NO_SUCH_HOST, lastFailureTime: "2027-01-15T08:00:00Z" });
  await eventually("the pod knows it", () => imageReferencesOf(world.pod("web")!)?.["web"] === image.metadata.name);
  await eventually("told", () => world.told(image.metadata.name).length === 2);
  assert.deepEqual(world.told(image.metadata.name), [
    `Normal Status image-controller: ${HOST}: Image status changed to Resolving`,
    `Warning Status image-controller: Image status changed to Failed: ${NO_SUCH_HOST}`,
  ]);
  let failures = 1;
  for (const seconds of [10, 20, 40, 80, 160, 300, 300]) {
    await eventually("the next try is set", () => world.clock.waiting === 1);
    await world.clock.advance(seconds * 1000 - 1);
    await settled();
    assert.equal(world.images()[0]!.status?.failures, failures, `not before ${seconds} s`);
    await world.clock.advance(1);
    await world.becomes("Failed", (failures += 1));
  }
});

test("an image that fails twice is found at the third try, also by a room that was started anew meanwhile", async () => {
  const world = await lifecycleWorld();
  await world.create("web", { annotations: { "web.spheresim.dev/image-error": "not-found", "spheresim.dev/image-error-times": "2" } });
  const image = await world.becomes("Failed", 1);
  assert.equal(image.status?.message, `Failed to resolve on node ${HOST}. Reason: Http request failed. Code 404: ErrorType(2) docker.io/library/nginx:1.27: not found`);
  await world.restart();
  await eventually("the next try is set", () => world.clock.waiting === 1);
  await world.clock.advance(10_000);
  await world.becomes("Failed", 2);
  await eventually("the next try is set", () => world.clock.waiting === 1);
  await world.clock.advance(20_000);
  const ready = await world.becomes("Ready");
  assert.deepEqual(Object.keys(ready.status ?? {}).sort(), ["chainID", "imageDisk", "phase"], "nothing is left of the failure");
});

test("a pod that asks for a failure has it alone; taken back it is over at once", async () => {
  const world = await lifecycleWorld();
  const sick = await world.create("sick", { annotations: { "spheresim.dev/image-error": "out of cheese" } });
  const failed = await world.becomes("Failed", 1);
  assert.equal(failed.status?.message, `Failed to resolve on node ${HOST}. Reason: out of cheese`);
  assert.deepEqual(failed.metadata.ownerReferences?.map(({ kind, uid }) => [kind, uid]), [["Pod", sick.metadata.uid]], "it goes with the pod");
  await world.create("well");
  await world.becomes("Ready");
  const references = await eventually("well has its image", () => imageReferencesOf(world.pod("well")!));
  assert.equal(references["web"], imageObjectName(parseImageReference("nginx:1.27")!));
  await eventually("sick has its own", () => imageReferencesOf(world.pod("sick")!)?.["web"] === failed.metadata.name);
  await world.annotate("sick", { "spheresim.dev/image-error": null });
  await eventually("mended", () => world.images().every(({ status }) => status?.phase === "Ready"));
});

test("an image that is deleted is tried no more", async () => {
  const world = await lifecycleWorld();
  await world.create("web", { image: "registry.invalid/shop:v9" });
  const image = await world.becomes("Failed", 1);
  await eventually("the pod knows it", () => imageReferencesOf(world.pod("web")!));
  await world.cluster.delete(pods, { namespace: "default", name: "web" });
  await world.cluster.delete(images, { namespace: "default", name: image.metadata.name });
  await eventually("nothing waits", () => world.clock.waiting === 0);
});

test("each word has the registry's answer; a count that is none says so where the failure would stand", () => {
  const reference = parseImageReference("registry.example.com:5000/shop/web:2")!;
  const imageWith = (annotations: Record<string, string>, failures = 0) => ({ metadata: { name: "i", uid: "u", resourceVersion: "1", creationTimestamp: "", annotations }, spec: { reference: "" }, status: { failures } });
  const texts = Object.fromEntries(Object.keys(resolveErrors).map((word) => [word, resolveError(imageWith({ "spheresim.dev/image-error": word }), reference, [])]));
  assert.deepEqual(texts, {
    "no-such-host": 'Http request failed. Code 400: ErrorType(2) failed to do request: Head "https://registry.example.com:5000/v2/shop/web/manifests/2": dial tcp: lookup registry.example.com: no such host',
    "not-found": "Http request failed. Code 404: ErrorType(2) registry.example.com:5000/shop/web:2: not found",
    unauthorized: "Http request failed. Code 401: ErrorType(2) pull access denied, repository does not exist or may require authorization: authorization failed: registry.example.com:5000/shop/web:2",
    "bad-certificate": 'Http request failed. Code 400: ErrorType(2) failed to do request: Head "https://registry.example.com:5000/v2/shop/web/manifests/2": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    "rate-limited": "Http request failed. Code 429: ErrorType(2) unexpected status from HEAD request to https://registry.example.com:5000/v2/shop/web/manifests/2: 429 Too Many Requests",
  });
  for (const times of ["0", "-1", "2x", "1001", ""]) assert.equal(resolveError(imageWith({ "spheresim.dev/image-error": "x", "spheresim.dev/image-error-times": times }), reference, []), `annotation spheresim.dev/image-error-times "${times}": must be a whole number from 1 to 1000, or always`);
  assert.equal(resolveError(imageWith({}), reference, []), undefined);
  assert.equal(resolveError(imageWith({ "spheresim.dev/image-error": "x".repeat(5_000) }), reference, [])?.length, 1024);
  assert.equal(resolveError(imageWith({ "spheresim.dev/image-error": "constructor" }), reference, []), "constructor");
  assert.match(resolveError(imageWith({}), parseImageReference("a.invalid:5000/b")!, []) ?? "", /lookup a\.invalid: no such host$/);
});

test("images that cannot be had, whoever asks: by registry, repository or image, for ever or for their first tries", () => {
  const why = (written: string, images: string, failures = 0, times?: number): string | undefined =>
    resolveError({ metadata: { name: "i", uid: "u", resourceVersion: "1", creationTimestamp: "" }, spec: { reference: written }, status: { failures } }, parseImageReference(written)!, [{ images, error: "down", times }]);
  const rows: readonly (readonly [written: string, images: string, fails: boolean])[] = [
    ["ghcr.io/shop/web:2", "ghcr.io", true],
    ["ghcr.io/shop/web:2", "ghcr.io/", true],
    ["ghcr.io/shop/web:2", "ghcr.io/shop", true],
    ["ghcr.io/shop/web:2", "ghcr.io/shop/web:2", true],
    ["ghcr.io/shop/web:2", "ghcr.io/shop/web:1", false],
    ["ghcr.io/shops/web", "ghcr.io/shop", false],
    ["nginx", "nginx", true],
    ["nginx", "docker.io", true],
    ["nginx:1.27", "docker.io/library/nginx", true],
    ["nginx-slim", "nginx", false],
  ];
  for (const [written, images, fails] of rows) assert.equal(why(written, images), fails ? "down" : undefined, `${written} ${images}`);
  assert.deepEqual([0, 1, 2].map((failures) => why("nginx", "nginx", failures, 2)), ["down", "down", undefined]);
});
