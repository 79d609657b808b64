import assert from "node:assert/strict";
import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { RpcCode, RpcError, typeUrl } from "../../src/base/rpc-error.js";
import { RangeRequest } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { KVClient } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { Status } from "../../src/gen/google/rpc/status.js";
import { BadRequest } from "../../src/gen/google/rpc/error_details.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";
import { openChannel } from "../../src/rpc/channel.js";
import { faultStatus } from "../../src/rpc/method-fault.js";
import { toWireStatus } from "../../src/rpc/status.js";

const reason = { reason: "InvalidArgument", domain: "vcenter.spheresim.test" };

function statusIn(error: RpcError): Status {
  const value = toWireStatus(error).metadata.get("grpc-status-details-bin")[0];
  assert.ok(value instanceof Buffer);
  assert.ok(value.length <= 4_096, `${value.length} bytes`);
  return Status.decode(value);
}

test("google.rpc.Status repeats the text: grpc-go shows that one, not grpc-message", () => {
  const text = `metadata.name: Invalid value: ${"x".repeat(500)}`;
  const status = statusIn(new RpcError(RpcCode.INVALID_ARGUMENT, text, { reason }));
  assert.equal(status.code, RpcCode.INVALID_ARGUMENT);
  assert.equal(status.message, text);
});

test("a text of more than 1 KiB is cut there between two characters, and leaves room for the details", () => {
  const error = new RpcError(RpcCode.INVALID_ARGUMENT, "ü€".repeat(800), { reason, details: [{ typeUrl: typeUrl("a.Middling"), value: new Uint8Array(2_800) }] });
  const status = statusIn(error);
  assert.match(status.message, /^(?:ü€)+ü?…$/u);
  assert.ok(Buffer.byteLength(status.message) <= 1_024 && Buffer.byteLength(status.message) > 1_015);
  assert.equal(status.details.length, 2);
});

test("a refusal keeps its MethodFault and its first field, however much of the caller's own it repeats", () => {
  const long = "x".repeat(6_000);
  const refusals: readonly (readonly [message: string, value: string, kept: string])[] = [
    ["gone", "vm-1", "vm-1"],
    [long, "vm-1", "vm-1"],
    [`no ${long}`, long, ""],
  ];
  for (const [message, value, kept] of refusals) {
    const fault = MethodFault.create({ localizedMessage: message, fault: { $case: "managedObjectNotFound", value: { obj: { type: "VirtualMachine", value } } } });
    const violations = ["vm.value", "vm.type", long].map((field) => ({ field, description: message }));
    const { details } = statusIn(faultStatus({ room: "vcenter", code: RpcCode.NOT_FOUND, message, fault, violations }));
    assert.deepEqual(details.map((detail) => detail.typeUrl.split(".").at(-1)), ["ErrorInfo", "MethodFault", "BadRequest"]);
    const sent = MethodFault.decode(details[1]?.value ?? new Uint8Array()).fault;
    assert.equal(sent?.$case === "managedObjectNotFound" ? (sent.value.obj?.value ?? "") : undefined, kept);
    assert.equal(BadRequest.decode(details[2]?.value ?? new Uint8Array()).fieldViolations[0]?.field, "vm.value");
  }
});

test("a call whose stream ends without a status was cut off, not answered: UNAVAILABLE", async (t) => {
  const server = createServer();
  server.on("stream", (stream) => stream.close(constants.NGHTTP2_NO_ERROR));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const channel = openChannel({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  t.after(() => {
    channel.close();
    server.close();
  });
  await assert.rejects(channel.client(KVClient).range(RangeRequest.create({ key: Buffer.from("k") }), { deadlineMs: 60_000 }), (error) => RpcError.is(error, RpcCode.UNAVAILABLE));
});
