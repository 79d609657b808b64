import { DeleteRangeRequest, PutRequest, RangeRequest, type RangeResponse, type ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { CampaignRequest, LeaderKey } from "../../gen/etcd/v3electionpb/v3election.js";
import { unclassifiedError } from "../errors.js";
import type { WatchHub } from "../watch/watch-hub.js";
import { createdAt, prefixOf, Queue } from "./queue.js";
import { type RecipeClient, sessionLease } from "./recipe-client.js";

/** A candidate that leads. */
export interface Elected {
  readonly header: ResponseHeader | undefined;
  readonly leader: LeaderKey;
}

/**
 * Waits until a candidate leads. The same lease again is the same candidate, with its new value. If the wait is cut short, the candidate
 * resigns. Like etcd, and unlike a lock, it is not asked once more whether the candidate's lease has outlived the wait.
 * Source: etcd client/v3/concurrency Election.Campaign.
 */
export async function campaign(client: RecipeClient, hub: WatchHub, { name, lease: given, value }: CampaignRequest, signal: AbortSignal): Promise<Elected> {
  const lease = await sessionLease(client, given);
  const queue = new Queue(client, hub, prefixOf(name));
  const key = queue.place(lease);
  const enter = await client.txn({
    compare: [createdAt(key, 0n)],
    success: [{ request: { $case: "requestPut", value: PutRequest.create({ key, value, lease }) } }],
    failure: [{ request: { $case: "requestRange", value: RangeRequest.create({ key }) } }],
  });
  const answer = enter.responses[0]?.response;
  const before = answer?.$case === "responseRange" ? answer.value.kvs[0] : undefined;
  const leader: LeaderKey = { name, key, rev: before?.createRevision ?? enter.header?.revision ?? 0n, lease };
  let proclaimed = false;
  try {
    if (before !== undefined && !before.value.equals(value)) await proclaimAs(client, leader, lease, value);
    proclaimed = true;
    await queue.turn(leader.rev, signal);
  } catch (error) {
    // A candidate that only may not see who comes before it stays one until its lease ends.
    if (!proclaimed || signal.aborted) await resignAs(client, leader).catch(() => undefined);
    throw error;
  }
  return { header: enter.header, leader };
}

/** Gives the leader a new value; throws if that leadership is over. */
export async function proclaim(client: RecipeClient, leader: LeaderKey, value: Buffer): Promise<ResponseHeader | undefined> {
  return proclaimAs(client, leader, await sessionLease(client, leader.lease), value);
}

/** Ends a leadership; one that is over already is none of its business. */
export async function resign(client: RecipeClient, leader: LeaderKey): Promise<ResponseHeader | undefined> {
  // etcd makes a session even for this, and with it a lease where none is named.
  await sessionLease(client, leader.lease);
  return resignAs(client, leader);
}

/** The present leader; throws if there is none. */
export async function leaderOf(client: RecipeClient, hub: WatchHub, name: Buffer): Promise<RangeResponse> {
  const response = await client.range(new Queue(client, hub, prefixOf(name)).head());
  if (response.kvs.length === 0) throw unclassifiedError("noLeader");
  return response;
}

async function proclaimAs(client: RecipeClient, { key, rev }: LeaderKey, lease: bigint, value: Buffer): Promise<ResponseHeader | undefined> {
  const put = PutRequest.create({ key, value, lease });
  const { succeeded, header } = await client.txn({ compare: [createdAt(key, rev)], success: [{ request: { $case: "requestPut", value: put } }], failure: [] });
  if (!succeeded) throw unclassifiedError("notLeader");
  return header;
}

async function resignAs(client: RecipeClient, { key, rev }: LeaderKey): Promise<ResponseHeader | undefined> {
  const remove = DeleteRangeRequest.create({ key });
  const { header } = await client.txn({ compare: [createdAt(key, rev)], success: [{ request: { $case: "requestDeleteRange", value: remove } }], failure: [] });
  return header;
}
