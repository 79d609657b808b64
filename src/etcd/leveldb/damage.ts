import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { liveFiles } from "./manifest.js";
import { damagedBlock } from "./sorted-file.js";

/**
 * Looks through all sorted files of a database that is not open and says which of them is damaged and where; undefined if none is. To be
 * asked before LevelDB opens it: its compactions would copy damaged rows and give them good checksums.
 *
 * A gigabyte takes about a second. Files that are not there are LevelDB's to miss.
 */
export async function findDamage(directory: string): Promise<string | undefined> {
  const files = [...(await liveFiles(directory))];
  let next = read(directory, files[0]?.[0]);
  for (const [index, [number, sizeBytes]] of files.entries()) {
    const file = await next;
    // The disk reads on while these are looked at.
    next = read(directory, files[index + 1]?.[0]);
    if (file === undefined) continue;
    const name = `${padded(number)}.ldb`;
    if (file instanceof Error) return `${name} cannot be read: ${file.message}`;
    if (file.length !== sizeBytes) return `${name} has ${file.length} of ${sizeBytes} bytes`;
    const at = await damagedBlock(file);
    if (at !== undefined) return `${name} is not what was written at byte ${at}`;
  }
  return undefined;
}

/** A file by its number, under its name of today or that of LevelDB before 1.15. */
async function read(directory: string, number: number | undefined): Promise<Buffer | Error | undefined> {
  if (number === undefined) return undefined;
  for (const ending of ["ldb", "sst"]) {
    const bytes = await readFile(join(directory, `${padded(number)}.${ending}`)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      return error as Error;
    });
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

function padded(number: number): string {
  return String(number).padStart(6, "0");
}
