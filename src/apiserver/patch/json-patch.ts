import jsonPatch, { type Operation } from "fast-json-patch";
import { badRequest, StatusError } from "../errors.js";

/** How many operations one patch may have. */
const OPERATION_LIMIT = 10_000;

/** An operation may carry a large value; so much of it is shown in an error. */
const MAX_SHOWN = 200;

/** JSON patch (RFC 6902). A failed `test` or a path that is not there is 422, an ill-formed patch 400. */
export function applyJsonPatch(target: Record<string, unknown>, patch: unknown): Record<string, unknown> {
  if (!Array.isArray(patch)) throw badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (patch.length > OPERATION_LIMIT) {
    throw new StatusError(413, "RequestEntityTooLarge", `The allowed maximum operations in a JSON patch is ${OPERATION_LIMIT}, got ${patch.length}`);
  }
  const malformed = jsonPatch.validate(patch as Operation[]);
  if (malformed) throw badRequest(`the JSON patch is malformed: ${malformed.message.split("\n", 1)[0]}`);
  try {
    return jsonPatch.applyPatch(target, patch as Operation[], true, true, true).newDocument;
  } catch (error) {
    throw new StatusError(422, "Invalid", `the server rejected our request due to an error in our request: ${reasonOf(error)}`, {});
  }
}

/** What is wrong and with which operation: `Test operation failed: {"op":"test","path":"/spec/a","value":1}`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof jsonPatch.JsonPatchError)) return String(error);
  const text = error.message.split("\n", 1)[0] ?? "";
  return error.operation === undefined ? text : `${text}: ${JSON.stringify(error.operation).slice(0, MAX_SHOWN)}`;
}
