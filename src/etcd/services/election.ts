import { RpcError } from "../../base/rpc-error.js";
import type { LeaderKey } from "../../gen/etcd/v3electionpb/v3election.js";
import { ElectionService } from "../../gen/etcd/v3electionpb/v3election_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { unclassifiedError } from "../errors.js";
import { campaign, leaderOf, proclaim, resign } from "../recipes/election.js";
import { observe } from "../recipes/observe.js";
import { asRecipe, recipeCaller } from "./recipe-caller.js";
import { RequestSizes } from "./request-size.js";
import type { Room } from "./room.js";

/** v3electionpb.Election. */
export function electionService(room: Room): ServedService {
  const clientOf = recipeCaller(room);
  const sizes = new RequestSizes(room.maxRequestBytes);
  const definition = {
    ...ElectionService,
    campaign: { ...ElectionService.campaign, requestDeserialize: sizes.watch(ElectionService.campaign.requestDeserialize) },
    proclaim: { ...ElectionService.proclaim, requestDeserialize: sizes.watch(ElectionService.proclaim.requestDeserialize) },
  };
  const watching = { hub: room.hub, clock: room.clock, headerAt: room.member.headerAt };
  return serve(definition, {
    campaign: (request, call) =>
      asRecipe(call, () => {
        sizes.check(request);
        return campaign(clientOf(call), room.hub, request, call.signal);
      }),
    proclaim: (request, call) =>
      asRecipe(call, async () => {
        const leader = given(request.leader);
        sizes.check(request);
        return { header: await proclaim(clientOf(call), leader, request.value) };
      }),
    leader: (request, call) =>
      asRecipe(call, async () => {
        const { header, kvs } = await leaderOf(clientOf(call), room.hub, request.name);
        return { header, kv: kvs[0] };
      }),
    observe: async (request, stream, call) => {
      try {
        for await (const sighting of observe(clientOf(call), watching, request.name, call.signal)) await stream.write(sighting);
      } catch (error) {
        // Whoever may not see the election is told no more than that there is nothing to see, as by etcd.
        if (!RpcError.is(error)) throw error;
      }
      if (call.signal.aborted) throw call.signal.reason;
    },
    resign: (request, call) => asRecipe(call, async () => ({ header: await resign(clientOf(call), given(request.leader)) })),
  });
}

function given(leader: LeaderKey | undefined): LeaderKey {
  if (leader === undefined) throw unclassifiedError("leaderMissing");
  return leader;
}
