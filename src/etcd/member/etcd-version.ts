/**
 * The etcd whose behaviour this is, by which clients know what they may ask: progress requests answered only by a stream that is up to
 * date came with 3.5.13, the deletion at the compaction point that a watch still gets with 3.5.18, and permissions are asked for as in 3.5.33.
 */
export const ETCD_VERSION = "3.5.33";

/** What a cluster of such members calls itself. */
export const CLUSTER_VERSION = "3.5.0";

/** The only version such a cluster can be taken down to: the minor one before. */
export const DOWNGRADE_VERSION = "3.4.0";
