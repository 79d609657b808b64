import assert from "node:assert/strict";
import { request } from "node:http";
import { connect as connectSocket, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { Compare, RangeRequest, TxnRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import type { ServerUnderTest } from "../support/real-etcd.js";

const asIs = (bytes: Buffer): Buffer => bytes;
const TOO_MANY = "etcdserver: too many operations in txn request";
const PUT = "/v3/kv/put";
const KEY = Buffer.from("a");

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** The bytes of a TxnRequest that holds one, and so on, `levels` deep, on its `success` or `failure` list. */
function nestedTxn(levels: number, list: "success" | "failure" = "success"): Buffer {
  const heads: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < levels; level += 1) {
    // RequestOp.request_txn is field 4; TxnRequest.success is field 2, failure is field 3.
    for (const tag of [0x22, list === "success" ? 0x12 : 0x1a]) {
      const head = Buffer.concat([Buffer.from([tag]), varint(length)]);
      heads.push(head);
      length += head.length;
    }
  }
  return Buffer.concat(heads.reverse());
}

const nestedJson = (levels: number): string => `${'{"success":[{"request_txn":'.repeat(levels)}{}${"}]}".repeat(levels)}`;

/** What no client of good will sends, over gRPC and over HTTP; written once and run against every server that calls itself an etcd. */
export function badInputContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>): void {
  describe(`bad input: ${name}`, { skip }, () => {
    let server: ServerUnderTest;
    let client: Client;
    before(async () => {
      server = await start();
      client = new Client(server.address, credentials.createInsecure(), { "grpc.max_send_message_length": -1 });
    });
    after(async () => {
      client.close();
      await server.close();
    });

    /** `ok`, or code and text of the refusal. */
    const call = (path: string, bytes: Buffer): Promise<string> =>
      new Promise((resolve) => {
        client.makeUnaryRequest(path, asIs, asIs, bytes, (error: ServiceError | null) => resolve(error === null ? "ok" : `${error.code} ${error.details}`));
      });
    const kv = (method: string, bytes: Buffer): Promise<string> => call(`/etcdserverpb.KV/${method}`, bytes);
    const send = (path: string, body: string | Buffer): Promise<{ readonly status: number; readonly message: string; readonly code: number }> =>
      new Promise((resolve, reject) => {
        const [host, port] = server.address.split(":");
        request({ host, port, method: "POST", path, agent: false }, (response) => {
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, message: "", code: 0, ...(JSON.parse(answer) as object) }), reject);
        })
          .on("error", reject)
          .end(body);
      });
    /** Status and text of a refusal. */
    const refusal = async (path: string, body: string | Buffer): Promise<string> => {
      const { status, code, message } = await send(path, body);
      return `${status} ${code} ${message}`;
    };
    const lives = async (): Promise<void> => assert.equal(await kv("Range", Buffer.from(RangeRequest.encode(RangeRequest.create({ key: KEY })).finish())), "ok");

    /** Writes a body in chunks of this kind until the server has had enough or the limit is reached; says how the answer begins. */
    const endless = (path: string, piece: Buffer, limitBytes: number): Promise<string> =>
      new Promise((resolve) => {
        const [host, port] = server.address.split(":");
        const socket: Socket = connectSocket(Number(port), host);
        let answer = "";
        let sent = 0;
        const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
        const block = Buffer.concat(Array.from({ length: Math.ceil(65_536 / chunk.length) }, () => chunk));
        socket.on("data", (data) => {
          answer += data.toString("latin1");
          socket.destroy();
        });
        socket.on("error", () => undefined).on("close", () => resolve(answer.slice(0, 12)));
        socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
        const more = (): void => {
          if (socket.destroyed) return;
          sent += block.length;
          if (sent > limitBytes) socket.destroy();
          else socket.write(block, more);
        };
        more();
      });

    it("executes a Txn of 128 levels and refuses a deeper one, however deep", async () => {
      assert.equal(await kv("Txn", nestedTxn(128)), "ok");
      assert.equal(await kv("Txn", nestedTxn(128, "failure")), "ok");
      for (const levels of [129, 1_000, 10_000, 230_000]) assert.equal(await kv("Txn", nestedTxn(levels)), `3 ${TOO_MANY}`, `${levels} levels`);
      assert.equal(await kv("Txn", nestedTxn(10_000, "failure")), `3 ${TOO_MANY}`);
      assert.equal((await send("/v3/kv/txn", nestedJson(128))).status, 200);
      assert.equal(await refusal("/v3/kv/txn", nestedJson(129)), `400 3 ${TOO_MANY}`);
      assert.equal(await refusal("/v3/kv/txn", nestedJson(10_000)), "400 3 invalid character '[' exceeded max depth");
      await lives();
    });

    it("refuses messages that are cut off or no messages", async () => {
      for (const bytes of [Buffer.from([0x0a, 0x20, 0x61]), Buffer.alloc(100, 0xff), nestedTxn(20).subarray(0, 50)]) {
        for (const method of ["Range", "Put", "DeleteRange", "Txn"]) assert.match(await kv(method, bytes), /^13 /, `${method} ${bytes.toString("hex")}`);
      }
      await lives();
    });

    it("refuses what is too large, by its own limit before by gRPC's", async () => {
      const value = (bytes: number): Buffer => Buffer.concat([Buffer.from([0x0a, 1, 0x61, 0x12]), varint(bytes), Buffer.alloc(bytes, 0x62)]);
      assert.equal(await kv("Put", value(1_600_000)), "3 etcdserver: request is too large");
      assert.match(await kv("Put", value(3_000_000)), /^8 .*received message larger than max/i);
      const json = (characters: number): string => JSON.stringify({ key: "YQ==", value: "A".repeat(characters) });
      assert.equal(await refusal(PUT, json(2_200_000)), "400 3 etcdserver: request is too large");
      assert.match(await refusal(PUT, json(12_000_000)), /^429 8 grpc: received message larger than max \(\d+ vs\. \d+\)$/);
      await lives();
    });

    it("lets unknown values of a comparison pass", async () => {
      const compare = Compare.create({ key: KEY });
      const unknown = Buffer.from(TxnRequest.encode(TxnRequest.create({ compare: [{ ...compare, result: 99 as never, target: 98 as never }] })).finish());
      assert.equal(await kv("Txn", unknown), "ok");
    });

    it("takes limits and revisions to the ends of what they can be", async () => {
      const [most, least] = [2n ** 63n - 1n, -(2n ** 63n)];
      const ranged = (fields: Partial<RangeRequest>): Promise<string> => kv("Range", Buffer.from(RangeRequest.encode(RangeRequest.create({ key: KEY, ...fields })).finish()));
      for (const limit of [most, least, -1n]) assert.equal(await ranged({ limit }), "ok");
      for (const revision of [least, -1n]) assert.equal(await ranged({ revision }), "ok");
      assert.equal(await ranged({ revision: most }), "11 etcdserver: mvcc: required revision is a future revision");
      const compact = (revision: Buffer): Promise<string> => kv("Compact", Buffer.concat([Buffer.from([0x08]), revision]));
      assert.equal(await compact(Buffer.from("ffffffffffffffff7f", "hex")), "11 etcdserver: mvcc: required revision is a future revision");
      assert.equal(await compact(Buffer.from("ffffffffffffffffff01", "hex")), "11 etcdserver: mvcc: required revision has been compacted");
    });

    it("reads no JSON that is nested without end, and no field that has another's name", async () => {
      for (const path of [PUT, "/v3/kv/txn", "/v3/lease/grant"]) assert.equal(await refusal(path, "[".repeat(1_000_000)), "400 3 invalid character '[' exceeded max depth");
      assert.equal((await send("/v3/kv/range", `{"key":"YQ==","nothing":${"[".repeat(9_000)}${"]".repeat(9_000)}}`)).status, 200);
      assert.match(await refusal("/v3/kv/range", '{"__proto__":{"key":"YQ=="}}'), /key is not provided/);
      assert.match(await refusal("/v3/kv/range", Buffer.from("7b22fffe223a317d", "hex")), /key is not provided/);
      assert.equal((await send("/v3/watch", "{{{{")).status, 500);
      await lives();
    });

    it("is kept from nobody by a body that does not end, or does not come", async () => {
      const [host, port] = server.address.split(":");
      const slow = Array.from({ length: 20 }, () => {
        const socket = connectSocket(Number(port), host);
        socket.on("error", () => undefined).write(`POST ${PUT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"key":`);
        return socket;
      });
      assert.match(await endless(PUT, Buffer.alloc(60_000, "["), 8_000_000), /^HTTP\/1\.1 4|^$/);
      await endless(PUT, Buffer.from(" "), 1_000_000);
      await endless("/v3/watch", Buffer.from("{}\n"), 1_000_000);
      await lives();
      for (const socket of slow) socket.destroy();
      await lives();
    });
  });
}
