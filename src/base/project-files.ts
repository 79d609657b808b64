import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory that holds package.json, from dist/src/base as from src/base. */
export const projectDirectory = ((): string => {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "package.json"))) {
    const above = dirname(directory);
    if (above === directory) throw new Error("package.json of spheresim is missing");
    directory = above;
  }
  return directory;
})();

/** Manifests and inventories that ship with the project. */
export const examplesDirectory = join(projectDirectory, "examples");
