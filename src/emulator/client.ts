import type { Clock } from "../base/clock.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { EtcdClient, EtcdCompactedError } from "../rpc/etcd-client.js";
import type { TlsMaterial } from "../rpc/tls.js";
import type { JournalStore } from "./journal.js";
import { decodeRecord } from "./journal-key.js";
import type { JournalReader } from "./journal-reader.js";

/** The journal's place in etcd: written by the journal, read by everybody who follows placements. */
export function openJournalStore(options: { readonly etcdEndpoints: readonly string[]; readonly tls?: TlsMaterial | undefined; readonly monotonic: Clock }): JournalStore & JournalReader & { close(): void } {
  const etcd = new EtcdClient({ endpoints: options.etcdEndpoints, tls: options.tls, clock: options.monotonic });
  return {
    put: async (pairs) => {
      await etcd.txn({ success: pairs.map(({ key, value }) => ({ put: key, value })) });
    },
    deletePrefix: async (prefix) => {
      await etcd.delete({ prefix });
    },
    keys: async (prefix) => {
      const { pairs } = await etcd.list(prefix);
      return [...pairs].sort((a, b) => a.createRevision - b.createRevision).map((pair) => pair.key);
    },
    revision: async () => BigInt((await etcd.range({ key: "/spheresim/", countOnly: true })).revision),
    read: async (prefix) => {
      const { pairs, revision } = await etcd.list(prefix);
      return { revision: BigInt(revision), records: pairs.map((pair) => ({ record: decodeRecord(pair.value), revision: BigInt(pair.modRevision) })) };
    },
    follow: async function* (prefix, afterRevision, signal) {
      try {
        for await (const batch of etcd.watch({ prefix, fromRevision: Number(afterRevision) + 1, signal })) {
          for (const { pair, revision } of batch.events) if (pair !== undefined) yield { record: decodeRecord(pair.value), revision: BigInt(revision) };
        }
      } catch (error) {
        throw error instanceof EtcdCompactedError ? tooOld(afterRevision, error) : error;
      }
    },
    close: () => etcd.close(),
  };
}

/** What is to be followed from there is no longer in the store. */
function tooOld(afterRevision: bigint, cause: EtcdCompactedError): RpcError {
  return new RpcError(RpcCode.OUT_OF_RANGE, `the steps after revision ${afterRevision} are compacted up to ${cause.compactRevision}; begin again with 0`, {
    reason: { reason: "InvalidCollectorVersion", domain: "emulator.spheresim.test" },
    cause,
  });
}
