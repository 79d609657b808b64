import { createHash } from "node:crypto";
import { secretHex } from "../../base/ids.js";
import type { Member as MemberMessage, ResponseHeader } from "../../gen/etcd/etcdserverpb/rpc.js";
import { META } from "../storage/keyspace.js";
import type { Table, TableWrite } from "../storage/table.js";

/** Raft term of the first start; an etcd of one member has elected itself by then. */
const FIRST_TERM = 2n;

/** What the first start of a directory is told of its member. */
export interface MemberOptions {
  readonly name: string;
  /** Where peers would find it; later starts keep what is stored. */
  readonly peerUrls?: readonly string[];
  /** The ids are computed of this and the peer URLs, as etcd does; drawn when absent. */
  readonly clusterToken?: string | undefined;
}

/** Who answers: the one member of a cluster of one. Ids stay with the directory, the term grows with each start. */
export class Member {
  readonly clusterId: bigint;
  readonly id: bigint;
  readonly term: bigint;
  readonly name: string;
  #peerUrls: readonly string[];

  private constructor(clusterId: bigint, id: bigint, term: bigint, name: string, peerUrls: readonly string[]) {
    this.clusterId = clusterId;
    this.id = id;
    this.term = term;
    this.name = name;
    this.#peerUrls = peerUrls;
  }

  /** Reads or makes the identity of a directory and begins a new term. */
  static async open(table: Table, { name, peerUrls = [], clusterToken }: MemberOptions): Promise<Member> {
    const stored = table.get(META.peerUrls);
    const identity = table.get(META.identity) ?? (clusterToken === undefined ? drawnIdentity() : computedIdentity(peerUrls, clusterToken));
    const term = table.get(META.term);
    const urls = stored === undefined ? peerUrls : (JSON.parse(stored.toString()) as string[]);
    const member = new Member(identity.readBigUInt64BE(0), identity.readBigUInt64BE(8), term === undefined ? FIRST_TERM : term.readBigUInt64BE(0) + 1n, name, urls);
    await table.write(
      [
        { type: "put", key: META.identity, value: identity },
        { type: "put", key: META.term, value: uint64(member.term) },
        { type: "put", key: META.peerUrls, value: Buffer.from(JSON.stringify(urls)) },
      ],
      true,
    );
    return member;
  }

  /** The head of an answer. */
  readonly headerAt = (revision: number): ResponseHeader => ({ clusterId: this.clusterId, memberId: this.id, revision: BigInt(revision), raftTerm: this.term });

  /** Where peers would find the member. There are none, so these are only told. */
  get peerUrls(): readonly string[] {
    return this.#peerUrls;
  }

  /** Changes the peer URLs; the write that makes the change durable is the caller's. */
  setPeerUrls(urls: readonly string[]): TableWrite {
    this.#peerUrls = urls;
    return { type: "put", key: META.peerUrls, value: Buffer.from(JSON.stringify(urls)) };
  }

  /** The member as Cluster.MemberList shows it. */
  describe(clientUrls: readonly string[]): MemberMessage {
    return { ID: this.id, name: this.name, peerURLs: [...this.#peerUrls], clientURLs: [...clientUrls], isLearner: false };
  }
}

/** Ids that are not 0, which would mean none. */
function drawnIdentity(): Buffer {
  const ids = Buffer.from(secretHex(16), "hex");
  for (const last of [7, 15]) ids[last] = (ids[last] as number) | 1;
  return ids;
}

/**
 * The ids that etcd gives the first member: the first 8 bytes of SHA-1, of the sorted peer URLs and the token for the member, of the
 * member's id for the cluster. Worked example (measured): `http://127.0.0.1:33792` and `etcd-cluster` make the member 9f3ea46af461af15 and the
 * cluster fe278a128202922e.
 */
function computedIdentity(peerUrls: readonly string[], clusterToken: string): Buffer {
  const half = (...parts: readonly (string | Buffer)[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash("sha1")).digest().subarray(0, 8);
  const member = half([...peerUrls].sort().join(""), clusterToken);
  return Buffer.concat([half(member), member]);
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
