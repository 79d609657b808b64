import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { RpcCode } from "../../src/base/rpc-error.js";
import { KVClient } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { RangeRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { parseKubeconfig } from "../../src/kubernetes/kubeconfig.js";
import { configMaps, namespaces, pods, serviceAccounts } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { descendantsOf } from "../support/process-tree.js";
import { through } from "../support/through.js";
import { assertRefused, badRequests } from "../apiserver/bad-requests.js";
import { RawClient } from "../apiserver/raw-client.js";
import { startEmulator, type SuiteEmulator } from "./suite-emulator.js";

/** A unary method of each gRPC port whose request has a length-delimited field 1, and a name for `:authority` where the port wants one. */
const methods: readonly (readonly [room: string, path: string, authority?: string])[] = [
  ["emulator", "/spheresim.emulator.v1.EmulatorService/WaitFor"],
  ["vcenter", "/spheresim.vcenter.v1.PlacementService/PlaceVm"],
  ["esxi", "/spheresim.hostd.v1.HostService/CreateVm", "esxi-01.spheresim.test"],
  ["scheduler", "/spheresim.scheduler.v1.ExplainService/Explain"],
  ["etcd", "/etcdserverpb.KV/Range"],
  ["spherelet", "/spheresim.spherelet.v1.SphereletService/ConfigurePod", "esxi-01.spheresim.test"],
  ["crx", "/spheresim.crx.v1.AgentService/StartPod", "502fab0c-89c8-4782-8c73-68feebdf79ed.crx.spheresim.test"],
];

/** Bytes that none of these methods' requests may consist of, and why, without the names of types and fields. */
const malformed: readonly (readonly [bytes: readonly number[], why: string])[] = [
  // Field 1 says 200 bytes and has 2.
  [[0x0a, 0xc8, 0x01, 0x61, 0x62], "unexpected EOF"],
  [[0x00, 0x0a, 0x00], "illegal tag 0 (wire type 0)"],
  [[0x08, 0x01], "proto: wrong wireType = 0 "],
  [[0x0c], "wiretype end group for non-group"],
];

describe("bad input to a running emulator", { skip: process.platform === "linux" ? false : "reads /proc" }, () => {
  let running: SuiteEmulator;
  let raw: RawClient;
  let processes: readonly number[];
  let stored: readonly string[];

  const address = (room: string): string => running.ready.endpoints[room] ?? assert.fail(`no ${room}`);
  const processIds = (): number[] => descendantsOf(running.process.pid ?? -1).toSorted((a, b) => a - b);
  /** Everything but what renews itself. */
  const storedKeys = async (): Promise<string[]> => {
    const { kvs } = await running.open("etcd").client(KVClient).range(RangeRequest.fromPartial({ key: Buffer.from("/"), rangeEnd: Buffer.from("0"), keysOnly: true }));
    // What goes on by itself: heartbeats, events and vCenter's history of them.
    return kvs.map((kv) => kv.key.toString()).filter((key) => !/^\/registry\/(leases|events)\/|^\/spheresim\/vcenter\/history\//.test(key));
  };
  /** Bytes as the request of a unary call. */
  const sendBytes = async (room: string, path: string, bytes: Buffer, authority?: string): Promise<ServiceError> => {
    const client = new Client(address(room), credentials.createInsecure(), authority === undefined ? {} : { "grpc.default_authority": authority });
    try {
      return await new Promise((resolve, reject) => {
        const done = (error: ServiceError | null): void => (error === null ? reject(new Error(`${path} was answered`)) : resolve(error));
        client.makeUnaryRequest(path, (request: Buffer) => request, (answer: Buffer) => answer, bytes, new Metadata(), { deadline: Date.now() + 60_000 }, done);
      });
    } finally {
      client.close();
    }
  };

  before(async () => {
    running = await startEmulator([]);
    const { server, tls } = parseKubeconfig(readFileSync(running.ready.kubeconfig, "utf8"));
    raw = new RawClient(server.replace("https://", ""), { caPem: String(tls?.ca), certPem: String(tls?.cert), keyPem: String(tls?.key) });
    processes = processIds();
    const client = administrator(running.ready);
    try {
      // What the controllers give each namespace has come.
      await through(async () => {
        const { items } = await client.list(namespaces);
        const [accounts, certificates] = await Promise.all([client.list(serviceAccounts), client.list(configMaps)]);
        assert.deepEqual([accounts.items.length, certificates.items.length], [items.length, items.length]);
        for (const { metadata } of items) assert.ok(metadata.annotations?.["vmware-system-resource-pool"], metadata.name);
      });
    } finally {
      await client.close();
    }
    stored = await storedKeys();
  });
  after(async () => {
    raw.close();
    await running.stop();
  });

  for (const request of badRequests) test(`API server: ${request.what}`, () => assertRefused(raw, request));

  for (const [room, path, authority] of methods) {
    test(`${room}: what is no message of its type, one too large, a method that is not there`, async () => {
      for (const [bytes, why] of malformed) {
        const { code, details } = await sendBytes(room, path, Buffer.from(bytes), authority);
        assert.deepEqual([code, /^grpc: error unmarshalling request: (.*)$/.exec(details)?.[1]?.replace(/proto: \w+: |for field \w+/g, "")], [RpcCode.INTERNAL, why]);
      }
      const large = await sendBytes(room, path, Buffer.alloc(64 * 1024 * 1024), authority);
      assert.equal(large.code, RpcCode.RESOURCE_EXHAUSTED, large.details);
      const missing = await sendBytes(room, `${path}Nothing`, Buffer.alloc(0), authority);
      assert.equal(missing.code, RpcCode.UNIMPLEMENTED);
      assert.match(missing.details, new RegExp(`${path.split("/")[2]}Nothing`));
      for (const { details } of [large, missing]) assert.doesNotMatch(details, /\.(js|ts):\d+|node:internal/, "no stack is shown");
    });
  }

  test("bytes that are no protocol at all end their connection and nothing else", async () => {
    for (const endpoint of Object.values(running.ready.endpoints)) {
      const [host = "", port = ""] = endpoint.replace(/^https?:\/\//, "").split(":");
      const socket = connect(Number(port), host);
      socket.on("error", () => undefined);
      socket.resume();
      await once(socket, "connect");
      socket.end(Buffer.from("\0\xff\x16\x03garbage\r\n\r\n".repeat(100), "latin1"));
      await once(socket, "close");
    }
  });

  test("afterwards nothing is stored, no process was lost, no stack was logged, and a pod runs", async () => {
    assert.deepEqual(await storedKeys(), stored);
    assert.deepEqual(processIds(), processes);
    assert.doesNotMatch(running.stderr(), /\n\s+at /);
    const client = administrator(running.ready);
    try {
      await client.create(pods, { metadata: { namespace: "default", name: "good" }, spec: { containers: [{ name: "app", image: "nginx" }] } });
      await through(async () => assert.equal((await client.get(pods, { namespace: "default", name: "good" })).status?.phase, "Running"));
    } finally {
      await client.close();
    }
  });
});
