/** The files of a volume: what they say, and the permission bits of those that have others than 0644. */
export interface VolumeFiles {
  readonly data: Record<string, Buffer>;
  readonly modes: Record<string, number>;
}

/** Permission bits where neither volume nor item says any (core/v1 `defaultMode`). */
const USUAL_MODE = 0o644;

/** Files from `data` under the bits `mode`. */
export function filesOf(data: Readonly<Record<string, Buffer>>, mode: number | undefined): VolumeFiles {
  const files: VolumeFiles = { data: {}, modes: {} };
  for (const [path, content] of Object.entries(data)) putFile(files, path, content, mode);
  return files;
}

/** A later file takes the place of an earlier one at the same path. */
export function putFile({ data, modes }: VolumeFiles, path: string, content: Buffer, mode: number | undefined): void {
  data[path] = content;
  if (mode === undefined || mode === USUAL_MODE) delete modes[path];
  else modes[path] = mode;
}

export function putFiles(files: VolumeFiles, more: VolumeFiles): void {
  for (const [path, content] of Object.entries(more.data)) putFile(files, path, content, more.modes[path]);
}
