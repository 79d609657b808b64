import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeStruct, DecodeError } from "../../src/apiserver/schema/decode.js";
import { JsonSyntaxError, parseJson } from "../../src/apiserver/schema/json-text.js";
import { decodeMessage, openEnvelope, ProtobufError } from "../../src/apiserver/schema/protobuf.js";
import { structOf } from "../../src/apiserver/schema/schema.js";

describe("json", () => {
  test("remembers duplicate keys and keeps the last", () => {
    const { value, duplicates } = parseJson('{"a":1,"b":[{"c":1,"c":2}],"a":{"x\\u0041":"\\n"}}');
    assert.deepEqual(value, { a: { xA: "\n" }, b: [{ c: 2 }] });
    assert.deepEqual(duplicates, ["b[0].c", "a"]);
  });

  for (const [text, message] of [
    ["", "unexpected end of JSON input"],
    ["{", "unexpected end of JSON input"],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ["[1 2]", "invalid character '2' after array element"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["trux", "invalid character 'x' in literal true (expecting 'e')"],
    ['"\u0001"', "invalid character '\u0001' in string literal"],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseJson(text), (error: unknown) => error instanceof JsonSyntaxError && error.message === message));
  }

  test("survives deep nesting without a crash of the stack", () => assert.throws(() => parseJson("[".repeat(20_000)), JsonSyntaxError));

  test("reads what JSON.parse reads", () => {
    const text = '{"a":[1,-2.5e3,true,false,null,"x\\"y"],"b":{},"c":[],"d":{"e":"\\ud83d\\ude00"}}';
    assert.deepEqual(parseJson(text).value, JSON.parse(text));
  });
});

describe("decoding", () => {
  test("names unknown fields by path and drops them", () => {
    const { value, unknown } = decodeStruct({ kind: "Pod", spec: { foo: 1, containers: [{ name: "a", bar: 2, ports: null }] } }, "core.Pod");
    assert.deepEqual(unknown, ["spec.foo", "spec.containers[0].bar"]);
    assert.deepEqual(value, { kind: "Pod", spec: { containers: [{ name: "a" }] } });
  });

  for (const [spec, message] of [
    [[], "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"],
    [{ containers: {} }, "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container"],
    [{ containers: [{ name: 5 }] }, "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string"],
    [{ terminationGracePeriodSeconds: "5" }, "json: cannot unmarshal string into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64"],
    [{ priority: 3.5 }, "json: cannot unmarshal number 3.5 into Go struct field PodSpec.spec.priority of type int32"],
    [{ nodeSelector: { a: true } }, "json: cannot unmarshal bool into Go struct field PodSpec.spec.nodeSelector of type string"],
    [{ restartPolicy: 1 }, "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy"],
    [
      { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } } },
      "json: cannot unmarshal array into Go struct field NodeAffinity.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution of type v1.NodeSelector",
    ],
    [{ containers: [{ resources: { requests: { cpu: "lots" } } }] }, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ] as const) {
    test(`words ${message.slice(0, 60)}`, () => assert.throws(() => decodeStruct({ spec }, "core.Pod"), new DecodeError(message)));
  }

  test("writes quantities in canonical form", () => {
    const { value } = decodeStruct({ spec: { containers: [{ resources: { requests: { cpu: 0.5, memory: "1000Ki" } } }] } }, "core.Pod");
    assert.deepEqual(value, { spec: { containers: [{ resources: { requests: { cpu: "500m", memory: "1000Ki" } } }] } });
  });

  test("knows inlined structs by their own fields", () => {
    assert.ok(structOf("core.Volume").fields.has("emptyDir"));
    assert.ok(structOf("core.ConfigMapKeySelector").fields.has("name"));
    assert.ok(structOf("core.EphemeralContainer").fields.has("image"));
  });
});

/** A length-delimited field. */
function delimited(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

describe("protobuf", () => {
  test("opens the envelope and decodes a namespace as kubectl sends it", () => {
    // metadata{name, creationTimestamp{}}, spec{}, status{} as Go writes them, empty ones included.
    const raw = Buffer.concat([delimited(1, Buffer.concat([delimited(1, "foo"), delimited(2, ""), delimited(8, "")])), delimited(2, ""), delimited(3, delimited(1, ""))]);
    const envelope = openEnvelope(Buffer.concat([Buffer.from("k8s\0"), delimited(1, Buffer.concat([delimited(1, "v1"), delimited(2, "Namespace")])), delimited(2, raw)]));
    assert.equal(envelope.kind, "Namespace");
    assert.deepEqual(decodeMessage(envelope.raw, "core.Namespace"), { metadata: { name: "foo" } });
  });

  test("keeps pointers with zero values: replicas 0, emptyDir {}", () => {
    assert.deepEqual(decodeMessage(Buffer.from([8, 0]), "apps.DeploymentSpec"), { replicas: 0 });
    const volume = Buffer.concat([delimited(1, "v"), delimited(2, delimited(2, ""))]);
    assert.deepEqual(decodeMessage(volume, "core.Volume"), { name: "v", emptyDir: {} });
  });

  test("decodes maps, bytes, quantities, negative numbers and IntOrString", () => {
    const entry = Buffer.concat([delimited(1, "cpu"), delimited(2, delimited(1, "100m"))]);
    assert.deepEqual(decodeMessage(delimited(1, entry), "core.ResourceRequirements"), { limits: { cpu: "100m" } });
    assert.deepEqual(decodeMessage(delimited(2, Buffer.concat([delimited(1, "k"), delimited(2, Buffer.from([255]))])), "core.Secret"), { data: { k: "/w==" } });
    assert.deepEqual(decodeMessage(Buffer.from([8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), "meta.DeleteOptions"), { gracePeriodSeconds: -1 });
    assert.deepEqual(decodeMessage(delimited(1, Buffer.concat([Buffer.from([8, 1]), delimited(3, "25%")])), "apps.RollingUpdateDeployment"), { maxUnavailable: "25%" });
  });

  for (const [name, bytes] of [
    ["a cut message", Buffer.from([10, 200, 1])],
    ["an endless number", Buffer.from([8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255])],
    ["a group", Buffer.from([11])],
    ["field 0", Buffer.from([0, 0])],
  ] as const) {
    test(`refuses ${name}`, () => assert.throws(() => decodeMessage(bytes, "core.Pod"), ProtobufError));
  }

  test("refuses bytes without the envelope", () => assert.throws(() => openEnvelope(Buffer.from("{}")), ProtobufError));
});
