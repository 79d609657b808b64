import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKubeconfig } from "../../src/kubernetes/kubeconfig.js";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const config = (user: string): string => `
apiVersion: v1
kind: Config
current-context: spheresim
contexts: [{ name: spheresim, context: { cluster: c, user: u, namespace: team } }]
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:7437", certificate-authority-data: ${base64("CA")} } }]
users: [{ name: u, user: ${user} }]
`;

test("certificates inline and in files", () => {
  const target = parseKubeconfig(config(`{ client-certificate-data: ${base64("CERT")}, client-key: key.pem }`), { readFile: (name) => `file ${name}` });
  assert.deepEqual(target, { server: "https://127.0.0.1:7437", context: "spheresim", namespace: "team", tls: { ca: "CA", cert: "CERT", key: "file key.pem" } });
});

test("a token", () => {
  assert.equal(parseKubeconfig(config("{ token: abc }")).token, "abc");
});

test("what is missing or unsupported is named", () => {
  assert.throws(() => parseKubeconfig("{}"), /current-context is not set/);
  assert.throws(() => parseKubeconfig(config("{}"), { context: "other" }), /contexts has no entry named other/);
  assert.throws(() => parseKubeconfig(config("{ exec: { command: x } }")), /asks for exec, which is not supported/);
});
