import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What `buf build` wrote: every contract with its comments, as a google.protobuf.FileDescriptorSet. */
const IMAGE = join("src", "gen", "image.binpb");

/** Reads the image; it lies in the sources, whether this runs from them or from dist. */
export function readContractsImage(): Buffer {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const image = join(directory, IMAGE);
    if (existsSync(image)) return readFileSync(image);
    if (dirname(directory) === directory) throw new Error(`${IMAGE} is missing; run: npm run build`);
  }
}
