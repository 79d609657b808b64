import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointStore } from "./checkpoint-store.js";

/** Name of the file in the directory of the database; LevelDB leaves names alone that are not its own. */
const NAME = "index.checkpoint";
const READ_BYTES = 1024 * 1024;

/** The checkpoint as a file that is replaced by renaming. */
export class CheckpointFile implements CheckpointStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async *load(): AsyncIterable<Buffer> {
    try {
      yield* createReadStream(join(this.#directory, NAME), { highWaterMark: READ_BYTES });
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOENT") throw error;
    }
  }

  async save(pieces: AsyncIterable<Buffer>): Promise<void> {
    const path = join(this.#directory, NAME);
    const draft = `${path}.new`;
    try {
      const file = await open(draft, "w");
      try {
        for await (const piece of pieces) await file.writeFile(piece);
        // Or a power cut could leave the new name with no content.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}
