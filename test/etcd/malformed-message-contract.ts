import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { PutRequest, RangeRequest, RangeResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import type { ServerUnderTest } from "../support/real-etcd.js";

/** A call that hangs must say so. */
const DEADLINE_MS = 60_000;
const asIs = (bytes: Buffer): Buffer => bytes;
const EOF = "unexpected EOF";
const OVERFLOW = "proto: integer overflow";
const NEGATIVE = "proto: negative length found during unmarshaling";
const END_OF_GROUP = "proto: PutRequest: wiretype end group for non-group";
const illegal = (tag: number, wireType: bigint | number): string => `proto: PutRequest: illegal tag ${tag} (wire type ${wireType})`;
const wrong = (wireType: number, field: string): string => `proto: wrong wireType = ${wireType} for field ${field}`;

function refusalText(error: unknown): string {
  const { code, details } = error as ServiceError;
  return `${code} ${details}`;
}

type Case = readonly [bytes: string, text: string];

/** Bytes that are no PutRequest, and what etcd says of them; `0a0161` is the key "a". */
const puts: readonly Case[] = [
  // Numbers of fields.
  ["00", illegal(0, 0)],
  ["0a016100120162", illegal(0, 0)],
  ["0a01610200", illegal(0, 2)],
  ["0a0161010000000000000000", illegal(0, 1)],
  ["0a016107", illegal(0, 7)],
  ["0a0161f8ffffffffffffffff0101", illegal(-1, 18446744073709551608n)],
  ["0a01618080808080800101", illegal(0, 4398046511104n)],
  ["8a808080808080808080000161", OVERFLOW],
  // Known fields of another wire type.
  ["0805", wrong(0, "Key")],
  ["0a01611001", wrong(0, "Value")],
  ["0a016113", wrong(3, "Value")],
  ["0a01611a0101", wrong(2, "Lease")],
  ["0a0161190000000000000000", wrong(1, "Lease")],
  ["0a01612500000000", wrong(5, "PrevKv")],
  ["0a01612a00", wrong(2, "IgnoreValue")],
  ["0e", wrong(6, "Key")],
  ["0f", wrong(7, "Key")],
  // Groups, which are left out whole where they are not known.
  ["0c", END_OF_GROUP],
  ["0a016104", END_OF_GROUP],
  ["0a016114", END_OF_GROUP],
  ["0a01617c", END_OF_GROUP],
  ["0a01617b", EOF],
  ["0a01617b007c", EOF],
  ["0a01617b0a057c", EOF],
  ["0a01617b0f7c", "proto: illegal wireType 7"],
  ["0a01617e", "proto: illegal wireType 6"],
  ["0a01617f", "proto: illegal wireType 7"],
  // What is cut off.
  ["0a016180", EOF],
  ["0a016118ff", EOF],
  ["0a", EOF],
  ["0a0561", EOF],
  ["0a01617a0561", EOF],
  ["0a016178ff", EOF],
  ["0a01617900", EOF],
  ["0a01617d00", EOF],
  // Numbers and lengths of more than they can be.
  ["0a0161188080808080808080808000", OVERFLOW],
  ["0a0161208080808080808080808000", OVERFLOW],
  ["0a818080808080808080800061", OVERFLOW],
  ["0affffffffffffffffff01", NEGATIVE],
  ["0a01617affffffffffffffffff01", NEGATIVE],
  ["0a8080808008", EOF],
  ["0a818080801061", EOF],
  ["0a01617a8080808010", EOF],
];

/** The same of other methods: messages within messages, numbers in one piece, messages without fields. */
const others: readonly (readonly [method: string, ...rest: Case])[] = [
  ["KV/Range", "0a016112", EOF],
  ["KV/Txn", "0800", wrong(0, "Compare")],
  ["KV/Txn", "12020800", wrong(0, "RequestRange")],
  ["KV/Txn", "12022000", wrong(0, "RequestTxn")],
  ["KV/Txn", "1205", EOF],
  ["KV/Txn", "12040a020a05616161616161", EOF],
  ["KV/Txn", "0a022080808001", EOF],
  ["KV/Txn", "12050a03000a01", "proto: RangeRequest: illegal tag 0 (wire type 0)"],
  ["KV/Txn", "12030a010c", "proto: RangeRequest: wiretype end group for non-group"],
  ["KV/Txn", "0a0480040161", wrong(0, "RangeEnd")],
  ["KV/Txn", "0a020901", wrong(1, "Result")],
  ["KV/Compact", "0a00", wrong(2, "Revision")],
  ["Lease/LeaseGrant", "0a00", wrong(2, "TTL")],
  ["Maintenance/Status", "00", "proto: StatusRequest: illegal tag 0 (wire type 0)"],
  ["Maintenance/Status", "7c", "proto: StatusRequest: wiretype end group for non-group"],
  ["Maintenance/Alarm", "0a00", wrong(2, "Action")],
  ["Cluster/MemberAdd", "0800", wrong(0, "PeerURLs")],
  ["Auth/UserAdd", "1a020f00", wrong(7, "NoPassword")],
  ["Auth/UserAdd", "1a020a00", wrong(2, "NoPassword")],
];

/** Requests of streams; those of numbers in one piece are filters of a watch. */
const streamed: readonly (readonly [method: string, ...rest: Case])[] = [
  ["etcdserverpb.Watch/Watch", "00", "proto: WatchRequest: illegal tag 0 (wire type 0)"],
  ["etcdserverpb.Watch/Watch", "0800", wrong(0, "CreateRequest")],
  ["etcdserverpb.Watch/Watch", "0a022d00", wrong(5, "Filters")],
  ["etcdserverpb.Watch/Watch", "0a050a01612a0180", EOF],
  ["etcdserverpb.Lease/LeaseKeepAlive", "0a00", wrong(2, "ID")],
  ["etcdserverpb.Maintenance/Snapshot", "00", "proto: SnapshotRequest: illegal tag 0 (wire type 0)"],
  ["v3electionpb.Election/Observe", "00", "proto: LeaderRequest: illegal tag 0 (wire type 0)"],
];

/** Bytes that are a PutRequest of the key "a", odd as they look, and the value they put. */
const oddPuts: readonly (readonly [bytes: string, value: string])[] = [
  ["0a01617b7c120131", "1"],
  ["0a01617b08017c120132", "2"],
  ["0a01617b74120133", "3"],
  ["0a01617b73747c120134", "4"],
  ["0a01617b737c74120135", "5"],
  ["0a01617b02007c120136", "6"],
  ["0a016178017a01617900000000000000007d00000000120137", "7"],
  ["0a0161f8ffffff0f01f8ffffff1f01120138", "8"],
  ["8a808080000161120139", "9"],
  ["8a808080808080808001016112013a", ":"],
  ["0a818080808080808080006112013b", ";"],
  ["0a01621201780a016112013c", "<"],
  ["0a016112017812013d18808080808080808080002000", "="],
  ["0a016112013e20ffffffffffffffffff01", ">"],
];

/** What is no message of its type, over the wire, as etcd's decoders refuse it; run against every server that calls itself an etcd. */
export function malformedMessageContract(name: string, skip: string | false, start: () => Promise<ServerUnderTest>): void {
  describe(`malformed messages: ${name}`, { skip }, () => {
    let server: ServerUnderTest;
    let client: Client;
    before(async () => {
      server = await start();
      client = new Client(server.address, credentials.createInsecure());
    });
    after(async () => {
      client.close();
      await server.close();
    });

    const call = (method: string, bytes: Buffer): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(`/etcdserverpb.${method}`, asIs, asIs, bytes, (error: ServiceError | null, answer?: Buffer) => (error === null ? resolve(answer ?? Buffer.alloc(0)) : reject(error)));
      });
    const outcome = (method: string, hex: string): Promise<string> => call(method, Buffer.from(hex, "hex")).then(() => "ok", refusalText);
    const rangeA = async (): Promise<RangeResponse> => RangeResponse.decode(await call("KV/Range", Buffer.from(RangeRequest.encode(RangeRequest.create({ key: Buffer.from("a") })).finish())));
    /** How a stream ends that is sent these bytes. */
    const streamEnd = (method: string, hex: string): Promise<string> =>
      new Promise((resolve) => {
        const stream = client.makeBidiStreamRequest(`/${method}`, asIs, asIs, new Metadata(), { deadline: Date.now() + DEADLINE_MS });
        stream.on("error", (error) => resolve(refusalText(error)));
        stream.on("data", (answer: Buffer) => {
          resolve(`answered ${answer.toString("hex")}`);
          stream.cancel();
        });
        stream.write(Buffer.from(hex, "hex"));
        if (!/Watch$|KeepAlive$/.test(method)) stream.end();
      });

    it("refuses bytes that are no request, says why, and stores nothing", async () => {
      await call("KV/Put", Buffer.from(PutRequest.encode(PutRequest.create({ key: Buffer.from("a"), value: Buffer.from("kept") })).finish()));
      for (const [bytes, text] of puts) assert.equal(await outcome("KV/Put", bytes), `13 grpc: error unmarshalling request: ${text}`, bytes);
      const { kvs } = await rangeA();
      assert.deepEqual(kvs.map(({ value, version }) => [value.toString(), version]), [["kept", 1n]]);
    });

    it("does so in every service, and in messages within messages", async () => {
      for (const [method, bytes, text] of others) assert.equal(await outcome(method, bytes), `13 grpc: error unmarshalling request: ${text}`, `${method} ${bytes}`);
    });

    it("ends a stream at such a request", async () => {
      for (const [method, bytes, text] of streamed) {
        const seen = await streamEnd(method, bytes);
        // The colon came with the grpc-go of etcd 3.5.
        assert.equal(seen.replace("received message proto", "received message: proto").replace("received message unexpected", "received message: unexpected"), `13 grpc: failed to unmarshal the received message: ${text}`, `${method} ${bytes}`);
      }
    });

    it("takes what is a request, however it is written, and leaves out what it does not know", async () => {
      for (const [bytes, value] of oddPuts) {
        assert.equal(await outcome("KV/Put", bytes), "ok", bytes);
        assert.equal((await rangeA()).kvs[0]?.value.toString(), value, bytes);
      }
    });

    it("takes the filters of a watch one by one and in one piece", async () => {
      for (const hex of ["0a070a01612a020001", "0a070a016128002801", "0a090a01612a0200012800", "0a070a01612a018000"]) assert.match(await streamEnd("etcdserverpb.Watch/Watch", hex), /^answered /, hex);
    });
  });
}
