import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalName, chainIdOf, imageDiskOf, imageObjectName, parseImageReference } from "../../src/lifecycle/image-reference.js";

const digest = `sha256:${"a".repeat(64)}`;

test("reads what a registry would", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.27-alpine", "docker.io/library/nginx:1.27-alpine"],
    ["bitnami/redis", "docker.io/bitnami/redis:latest"],
    ["localhost:5000/a/b:v1", "localhost:5000/a/b:v1"],
    ["registry.k8s.io/e2e-test-images/agnhost:2.40", "registry.k8s.io/e2e-test-images/agnhost:2.40"],
    [`ghcr.io/x/y@${digest}`, `ghcr.io/x/y@${digest}`],
    [`nginx:1@${digest}`, `docker.io/library/nginx:1@${digest}`],
    ["fake", "docker.io/library/fake:latest"],
  ];
  for (const [text, canonical] of rows) assert.equal(canonicalName(parseImageReference(text)!), canonical, text);
});

test("refuses what is no image name", () => {
  for (const text of ["", "Nginx", "<your-private-image>", "a//b", "nginx:", "nginx:bad tag", "nginx@sha256:12", "a@b@c", "-x/y", "a/b/", "nginx:1:2"]) assert.equal(parseImageReference(text), undefined, text);
});

test("names Image objects as a Supervisor does, the same for the same image", () => {
  const name = imageObjectName(parseImageReference("docker.io/library/nginx:latest")!);
  assert.match(name, /^nginx-[0-9a-f]{40}-v1$/);
  assert.equal(imageObjectName(parseImageReference("nginx")!), name);
  assert.notEqual(imageObjectName(parseImageReference("nginx:2")!), name);
  assert.match(imageDiskOf(chainIdOf(parseImageReference("nginx")!)), /^[0-9a-f]{64}-v0$/);
});
