import assert from "node:assert/strict";
import { type RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { MethodFault } from "../../src/gen/spheresim/vim/v1/fault.js";

/** The error a call ended with, as a client sees it. */
export interface Refusal {
  readonly code: RpcCode;
  readonly reason: string;
  readonly fields: readonly string[];
  readonly message: string;
  readonly fault: MethodFault;
}

/** The error of a call that must not be taken. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => assert.fail("it was taken"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RpcError)) throw error;
  return {
    code: error.code,
    reason: error.reason?.reason ?? "",
    fields: error.violations.map((each) => each.field),
    message: error.message,
    fault: MethodFault.decode(error.detail("spheresim.vim.v1.MethodFault") ?? Buffer.alloc(0)),
  };
}
