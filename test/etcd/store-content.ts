import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { findProgram } from "../support/external-program.js";
import { type Connection, range } from "./wire.js";

/** What the etcdctl that is installed prints; it must succeed. */
export async function etcdctl(...args: readonly string[]): Promise<string> {
  const child = spawn(findProgram("etcdctl") ?? "etcdctl", args, { env: { ...process.env, ETCDCTL_API: "3" }, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit") as Promise<[number]>]);
  assert.equal(status, 0, `etcdctl ${args.join(" ")}: ${err}`);
  return out;
}

/** Everything that a snapshot has to bring along. */
export async function contentOf(etcd: Connection): Promise<object> {
  const { header, kvs } = await etcd.kv.range(range({ key: "\0", rangeEnd: "\0" }));
  const { leases } = await etcd.lease.leaseLeases({});
  const attached = await Promise.all(leases.map(async ({ ID }) => [ID, (await etcd.timeToLive(ID)).grantedTTL, (await etcd.timeToLive(ID)).keys.map(String).sort()] as const));
  const { hash, compactRevision } = await etcd.maintenance.hashKv({ revision: 0n });
  return { revision: header?.revision, hash, compactRevision, leases: attached.sort(([a], [b]) => Number(a - b)), kvs };
}
