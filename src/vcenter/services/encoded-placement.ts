import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Pace } from "../../base/pace.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { Slices } from "../../base/slices.js";
import { type HostVerdict, PlacementResult } from "../../gen/spheresim/vcenter/v1/placement.js";
import { PlacementServiceService } from "../../gen/spheresim/vcenter/v1/placement_service.js";

const asIs = (bytes: Buffer): Buffer => bytes;
const encoded = { responseSerialize: asIs, responseDeserialize: asIs };

/** PlacementService with what DRS decided as bytes, which are made a slice at a time: verdicts on thousands of hosts are megabytes. */
export const EncodedPlacementService = { ...PlacementServiceService, placeVms: { ...PlacementServiceService.placeVms, ...encoded }, placeVm: { ...PlacementServiceService.placeVm, ...encoded } };

/** So many verdicts are written between two looks at the clock: at most a millisecond. */
const VERDICTS_A_STEP = 100;
/** The tag of `results` in PlaceVmsResponse: field 1, with its length before it. */
const RESULTS_TAG = 10;

/**
 * The bytes of PlacementResult. Those of a message without its verdicts and of messages with verdicts alone, one behind the other, are the whole
 * message; what cannot be cut is that all is copied into one buffer at the end.
 */
export function* encodedResult(result: PlacementResult, pace: Pace): Slices<Buffer> {
  return Buffer.concat(yield* piecesOf(result, pace));
}

/** The bytes of a message that has this result as one of its `results`: those of several, one behind the other, are PlaceVmsResponse. */
export function* encodedAsOneOf(result: PlacementResult, pace: Pace): Slices<Buffer> {
  const pieces = yield* piecesOf(result, pace);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return Buffer.concat([new BinaryWriter().uint32(RESULTS_TAG).uint32(length).finish(), ...pieces]);
}

/** `encodedAsOneOf` for the results of one message. Throws RESOURCE_EXHAUSTED, in the words of grpc-go, when they are more than it may hold. */
export function encodedWithin(maxBytes: number): (result: PlacementResult, pace: Pace) => Slices<Buffer> {
  let bytes = 0;
  return function* one(result, pace) {
    const encodedOne = yield* encodedAsOneOf(result, pace);
    bytes += encodedOne.length;
    if (bytes > maxBytes) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `grpc: trying to send message larger than max (${bytes} vs. ${maxBytes}): ask with fewer specs, max_verdicts, or less verdict_detail`);
    return encodedOne;
  };
}

function* piecesOf(result: PlacementResult, pace: Pace): Slices<Uint8Array[]> {
  const pieces: Uint8Array[] = [PlacementResult.encode({ ...result, verdicts: [] }).finish()];
  for (let from = 0; from < result.verdicts.length; from += VERDICTS_A_STEP) {
    if (pace.isOver) {
      yield;
      pace.begin();
    }
    pieces.push(verdictBytes(result.verdicts.slice(from, from + VERDICTS_A_STEP)));
  }
  return pieces;
}

function verdictBytes(verdicts: HostVerdict[]): Uint8Array {
  return PlacementResult.encode({ recommendations: [], drsFault: undefined, verdicts, sized: undefined }).finish();
}
