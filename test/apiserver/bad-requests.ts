import assert from "node:assert/strict";
import type { RawClient } from "./raw-client.js";

export const PODS = "/api/v1/namespaces/default/pods";
const STRICT = `${PODS}?fieldValidation=Strict`;
const YAML = "application/yaml";
const PROTOBUF = "application/vnd.kubernetes.protobuf";
export const spec = { containers: [{ name: "c", image: "i" }] };
export const named = (name: string): object => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });

/** A request that must be refused. */
export interface BadRequest {
  readonly what: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Buffer | object;
  readonly type?: string;
  readonly status: number;
  readonly message: RegExp;
}

/** What the API server must refuse, in the real one's words; nothing of it may be stored. */
export const badRequests: readonly BadRequest[] = [
  { what: "JSON that does not parse", body: '{"kind":"Pod",', status: 400, message: /unexpected end of JSON input/ },
  { what: "YAML that does not parse", body: "kind: Pod\n  metadata: [", type: YAML, status: 400, message: /yaml: / },
  { what: "no body", body: "", status: 400, message: /EOF/ },
  { what: "an array", body: "[]", status: 400, message: /cannot unmarshal array/ },
  { what: "an unknown kind", body: { apiVersion: "v1", kind: "Foo", metadata: { name: "x" } }, status: 400, message: /^Foo in version "v1" cannot be handled as a Pod: no kind "Foo" is registered/ },
  { what: "another version", body: { ...named("x"), apiVersion: "v2" }, status: 400, message: /the API version in the data \(v2\) does not match the expected API version \(v1\)/ },
  { what: "an unknown field", path: STRICT, body: { ...named("x"), spec: { ...spec, foo: 1 } }, status: 400, message: /^Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec\.foo"$/ },
  { what: "a duplicate field", path: STRICT, body: '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"},"spec":{"hostname":"a","hostname":"b"}}', status: 400, message: /strict decoding error: duplicate field "spec\.hostname"$/ },
  { what: "a duplicate field in YAML", path: STRICT, type: YAML, body: "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec:\n  hostname: a\n  \"hostname\": b\n", status: 400, message: /strict decoding error: yaml: unmarshal errors:\n {2}line 6: key "hostname" already set in map$/ },
  { what: "a wrong type", body: { ...named("x"), spec: { containers: {} } }, status: 400, message: /json: cannot unmarshal object into Go struct field PodSpec\.spec\.containers of type \[\]v1\.Container/ },
  { what: "no containers", body: { ...named("x"), spec: {} }, status: 422, message: /^Pod "x" is invalid: spec\.containers: Required value$/ },
  { what: "a name that is no DNS label", body: named("No_Name"), status: 422, message: /metadata\.name: Invalid value: "No_Name": a lowercase RFC 1123 subdomain/ },
  { what: "no name", body: { apiVersion: "v1", kind: "Pod", metadata: {}, spec }, status: 422, message: /metadata\.name: Required value: name or generateName is required/ },
  { what: "a negative quantity", body: { ...named("x"), spec: { containers: [{ name: "c", image: "i", resources: { limits: { memory: "-5Mi" } } }] } }, status: 422, message: /resources\.limits\[memory\]: Invalid value: "-5Mi": must be greater than or equal to 0/ },
  { what: "a quantity that is none", body: { ...named("x"), spec: { containers: [{ name: "c", image: "i", resources: { limits: { memory: "much" } } }] } }, status: 400, message: /quantities must match the regular expression/ },
  { what: "a namespace that is not there", path: "/api/v1/namespaces/nowhere/pods", body: named("x"), status: 404, message: /^namespaces "nowhere" not found$/ },
  { what: "another namespace than the path's", body: { ...named("x"), metadata: { name: "x", namespace: "other" } }, status: 400, message: /the namespace of the provided object does not match the namespace sent on the request/ },
  { what: "a body over the limit", body: { ...named("x"), data: "x".repeat(3 * 1024 * 1024) }, status: 413, message: /limit is 3145728/ },
  { what: "truncated protobuf", body: Buffer.concat([Buffer.from("k8s\0"), Buffer.from([10, 200])]), type: PROTOBUF, status: 400, message: /unexpected EOF/ },
  { what: "protobuf without its envelope", body: Buffer.from([1, 2, 3, 4]), type: PROTOBUF, status: 400, message: /expected prefix \[107 56 115 0\]/ },
  { what: "CBOR", body: Buffer.from([0xa0]), type: "application/cbor", status: 415, message: /accepted media types include: application\/json/ },
  { what: "apply without a manager", method: "PATCH", path: `${PODS}/x`, body: named("x"), type: "application/apply-patch+yaml", status: 422, message: /fieldManager: Required value: is required for apply patch/ },
  { what: "a patch of an unknown type", method: "PATCH", path: `${PODS}/x`, body: "{}", type: "text/plain", status: 415, message: /application\/json-patch\+json/ },
  { what: "a binding to nothing", path: `${PODS}/x/binding`, body: { apiVersion: "v1", kind: "Binding", metadata: { name: "x" }, target: { kind: "Node" } }, status: 422, message: /target\.name: Required value/ },
  { what: "a binding of nobody", path: `${PODS}/x/binding`, body: { apiVersion: "v1", kind: "Binding", metadata: { name: "x" }, target: { name: "n" } }, status: 404, message: /^pods "x" not found$/ },
  { what: "an unknown subresource", path: `${PODS}/x/shout`, body: {}, status: 404, message: /could not find the requested resource/ },
  { what: "a subresource that is not there yet", path: `${PODS}/x/exec`, body: {}, status: 501, message: /^pods\/exec is not implemented by spheresim$/ },
  { what: "an unknown resource", path: "/api/v1/namespaces/default/foos", body: {}, status: 404, message: /could not find the requested resource/ },
  { what: "an unknown dry run", path: `${PODS}?dryRun=Some`, body: named("x"), status: 422, message: /dryRun/ },
  { what: "a method that is not there", method: "POST", path: `${PODS}/x`, body: {}, status: 405, message: /does not allow this method/ },
  { what: "a field nested too deep", body: `{"kind":"Pod","apiVersion":"v1","metadata":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`, status: 400, message: /exceeded max depth|unknown field|nest/ },
  { what: "bytes that are no UTF-8", body: Buffer.concat([Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]), status: 422, message: /metadata\.name: Invalid value/ },
  { what: "a continue token that is none", method: "GET", path: `${PODS}?limit=1&continue=%21%21`, status: 400, message: /continue key is not valid/ },
  { what: "a resource version that is none", method: "GET", path: `${PODS}?resourceVersion=abc`, status: 400, message: /resource ?[vV]ersion/ },
  { what: "a watch from a resource version that is none", method: "GET", path: `${PODS}?watch=true&resourceVersion=abc`, status: 400, message: /resource ?[vV]ersion/ },
  { what: "a label selector that does not parse", method: "GET", path: `${PODS}?labelSelector=a%20in%20(`, status: 400, message: /unable to parse requirement/ },
  { what: "a field selector nobody knows", method: "GET", path: `${PODS}?fieldSelector=spec.color%3Dred`, status: 400, message: /field label not supported: spec\.color/ },
  { what: "a JSON patch of a path that is not there", method: "PATCH", path: "/api/v1/namespaces/default", type: "application/json-patch+json", body: '[{"op":"remove","path":"/spec/nothing"}]', status: 422, message: /nothing/ },
  { what: "a JSON patch that is no list", method: "PATCH", path: "/api/v1/namespaces/default", type: "application/json-patch+json", body: "{}", status: 400, message: /json/i },
  { what: "a path with broken escapes", path: "/api/v1/namespaces/%zz/pods", body: {}, status: 404, message: /could not find/ },
];

/** Sends one and holds the answer to what is wanted. */
export async function assertRefused(raw: RawClient, { method = "POST", path = PODS, body, type, status, message }: BadRequest): Promise<void> {
  const answer = await raw.send(method, path, { ...(body === undefined ? {} : { body }), ...(type ? { type } : {}) });
  assert.equal(answer.status, status, answer.text);
  assert.deepEqual([answer.json.kind, answer.json.status, answer.json.code], ["Status", "Failure", status]);
  assert.match(answer.json.message, message);
  assert.doesNotMatch(answer.text, /\.(js|ts):\d+|node:internal/, "no stack is shown");
}
