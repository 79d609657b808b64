import assert from "node:assert/strict";
import { it } from "node:test";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { AnswerSize } from "../../src/etcd/kv/answer-size.js";

const MIB = 1024 * 1024;
const tooLarge = (text: RegExp) => (error: unknown) => RpcError.is(error, RpcCode.RESOURCE_EXHAUSTED) && text.test(error.message);

it("lets an answer grow to what gRPC sends, and keeps nothing beyond", () => {
  const size = new AnswerSize();
  const gigabyte = Array<Buffer>(1023).fill(Buffer.alloc(MIB));
  assert.equal(size.take(gigabyte).length, 1023);
  assert.equal(size.take(gigabyte).length, 1023);
  size.check();
  assert.deepEqual(size.take(gigabyte), []);
  assert.throws(() => size.check(), tooLarge(/^grpc: trying to send message larger than max \(\d+ vs\. 2147483647\)$/));
});

it("counts pairs too, which take memory however small they are", () => {
  const size = new AnswerSize();
  const million = Array<Buffer>(1_000_000).fill(Buffer.alloc(0));
  for (let times = 0; times < 10; times += 1) assert.equal(size.take(million).length, million.length);
  size.check();
  assert.deepEqual(size.take(million), []);
  assert.throws(() => size.check(), tooLarge(/^trying to send more pairs than max \(11000000 vs\. 10000000\)$/));
});
