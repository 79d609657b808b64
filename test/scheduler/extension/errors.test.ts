import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcCode, RpcError } from "../../../src/base/rpc-error.js";
import { whyOf } from "../../../src/scheduler/extension/errors.js";

test("the worked example: a field of our contract is told as the vim25 property it stands for; other errors as they are", () => {
  const refused = (field: string, description: string): RpcError => new RpcError(RpcCode.INVALID_ARGUMENT, `${field}: ${description}`, { violations: [{ field, description }] });
  assert.equal(whyOf(refused("spec.config_spec.memory_mb", "must be at most 8")), "A specified parameter was not correct: configSpec.memoryMB (must be at most 8)");
  assert.equal(whyOf(refused("spec.hosts", "must name the one host to use, names 2")), "A specified parameter was not correct: hosts (must name the one host to use, names 2)");
  assert.equal(whyOf(new Error("no connection")), "no connection");
});
