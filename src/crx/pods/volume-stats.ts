import type { VolumeSpec } from "../../gen/spheresim/crx/v1/agent.js";
import type { VolumeStats } from "../../gen/spheresim/crx/v1/stats.js";

/**
 * What a volume holds. Nothing writes to one: an empty directory stays empty, files are what the pod spec made of them.
 *
 * Worked example: files `a` of 3 bytes and `d/b` of 4 hold 7 bytes in 4 inodes: the mount itself, `d`, and the two.
 */
export function volumeStats({ name, source }: VolumeSpec): VolumeStats {
  if (source?.$case !== "files") return { name, emptyDir: true, usedBytes: 0n, inodesUsed: 1n, capacityBytes: source?.value.sizeLimitBytes ?? 0n };
  const paths = Object.keys(source.value.data);
  const folders = new Set(paths.flatMap((path) => path.split("/").map((_, index, parts) => parts.slice(0, index).join("/"))));
  const usedBytes = Object.values(source.value.data).reduce((sum, bytes) => sum + bytes.length, 0);
  return { name, emptyDir: false, usedBytes: BigInt(usedBytes), inodesUsed: BigInt(paths.length + Math.max(1, folders.size)), capacityBytes: 0n };
}
