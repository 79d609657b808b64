import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { AddHostRequest, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { faultInStatus } from "../../src/rpc/method-fault.js";
import { RequestCache } from "../../src/rpc/request-cache.js";

/** A cache of two answers whose work counts. */
function counting() {
  const cache = new RequestCache("vcenter", 2);
  let runs = 0;
  const once = (requestId: string, body: object = {}, scope = "CreateVm"): Promise<number> => cache.answer(scope, { ...body, requestId }, () => (runs += 1));
  return { cache, once };
}

test("the same id and body: the same answer, also while the first is under way; scopes are apart; no id is no protection", async () => {
  const { once } = counting();
  assert.deepEqual(await Promise.all([once("a", { power: true }), once("a", { power: true })]), [1, 1]);
  assert.equal(await once("a", { power: true }, "PowerOnVm"), 2);
  assert.deepEqual([await once(""), await once("")], [3, 4]);
});

test("another body is RequestIdReused, an endless id InvalidArgument, by field and as typed faults", async () => {
  const { once } = counting();
  await once("a", { power: true });
  const expected = { code: RpcCode.ALREADY_EXISTS, message: 'The request id "a" was used before with another body.', violations: [{ field: "request_id", description: 'The request id "a" was used before with another body.' }] };
  await assert.rejects(once("a", { power: false }), { ...expected, reason: { reason: "RequestIdReused", domain: "vcenter.spheresim.test" } });
  await once("a", { power: false }).catch((error: unknown) => assert.deepEqual(RpcError.is(error) && faultInStatus(error)?.fault, { $case: "requestIdReused", value: { requestId: "a" } }));
  await assert.rejects(once("x".repeat(129)), { code: RpcCode.INVALID_ARGUMENT, message: "A specified parameter was not correct: request_id (has 129 characters, at most 128 are taken)" });
});

test("what failed may be tried again, and the oldest of more than the limit is forgotten", async () => {
  const { cache, once } = counting();
  await assert.rejects(cache.answer("X", { requestId: "b" }, () => Promise.reject(new Error("no"))), /^Error: no$/);
  await assert.rejects(cache.answer("X", { requestId: "b" }, () => { throw new Error("at once"); }), /at once/);
  assert.equal(await once("b", {}, "X"), 1);
  for (const id of ["c", "d"]) await once(id);
  assert.equal(await once("b", {}, "X"), 4);
});

test("entries of a map may come in another order: Go writes them so", async () => {
  const { once } = counting();
  const bytes = (labels: Record<string, string>): object => AddHostRequest.decode(AddHostRequest.encode(AddHostRequest.create({ spec: HostSpec.create({ labels }), cluster: { type: "c", value: "domain-c8" } })).finish());
  const zone = { "topology.kubernetes.io/zone": "a" };
  assert.equal(await once("go", bytes({ ...zone, rack: "1" })), 1);
  assert.equal(await once("go", bytes({ rack: "1", ...zone })), 1);
  await assert.rejects(once("go", bytes({ rack: "2", ...zone })), { code: RpcCode.ALREADY_EXISTS });
});

test("answers that are megabytes are kept as far as there is room, the latest ones", async () => {
  const cache = new RequestCache("vcenter", 10, 1_000);
  let runs = 0;
  const once = async (requestId: string, bytes: number): Promise<number> => {
    await cache.answer("PlaceVms", { requestId }, () => Buffer.alloc(bytes, (runs += 1)));
    return runs;
  };
  for (const id of ["a", "b", "c"]) await once(id, 400);
  assert.deepEqual([await once("c", 400), await once("b", 400)], [3, 3]);
  assert.equal(await once("a", 400), 4, "a made room for c");
  assert.equal(await once("huge", 2_000), 5);
  assert.equal(await once("huge", 2_000), 6, "larger than all the room there is");
  assert.equal(await once("small", 10), 7);
  assert.equal(await once("small", 10), 7);
});

test("large answers make room among themselves: what is small, or under way, is still answered once", async () => {
  const cache = new RequestCache("vcenter", 10, 1_000);
  let runs = 0;
  let finish = (_: number): void => undefined;
  const slow = (): Promise<number> => cache.answer("CreateVm", { requestId: "slow" }, () => new Promise<number>((resolve) => ((runs += 1), (finish = resolve))));
  const first = slow();
  await cache.answer("CreateVm", { requestId: "small" }, () => (runs += 1));
  for (const id of ["a", "b", "c"]) await cache.answer("PlaceVms", { requestId: id }, () => Buffer.alloc(900));
  const second = slow();
  await cache.answer("CreateVm", { requestId: "small" }, () => (runs += 1));
  finish(7);
  assert.deepEqual([await first, await second, runs], [7, 7, 2]);
});
