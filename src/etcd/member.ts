import { secretHex } from "../base/ids.js";
import type { Member as MemberMessage, ResponseHeader } from "../gen/etcd/etcdserverpb/rpc.js";
import { META } from "./keyspace.js";
import type { Table, TableWrite } from "./table.js";

/** Raft term of the first start; an etcd of one member has elected itself by then. */
const FIRST_TERM = 2n;

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

  /** Reads or makes the identity of a directory and begins a new term. `peerUrls` are those of the first start; later ones keep what is stored. */
  static async open(table: Table, name: string, peerUrls: readonly string[] = []): Promise<Member> {
    const stored = table.get(META.peerUrls);
    const identity = table.get(META.identity) ?? Buffer.from(secretHex(16), "hex");
    const term = table.get(META.term);
    const urls = stored === undefined ? peerUrls : (JSON.parse(stored.toString()) as string[]);
    const member = new Member(identity.readBigUInt64BE(0) | 1n, identity.readBigUInt64BE(8) | 1n, term === undefined ? FIRST_TERM : term.readBigUInt64BE(0) + 1n, name, urls);
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

function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
