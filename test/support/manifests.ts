import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { projectDirectory } from "../../src/base/project-files.js";

/** Real manifests lie beside the checkout, where they do at all; a worktree may stand one level deeper. SPHERESIM_MANIFESTS names another place. */
const places = [process.env["SPHERESIM_MANIFESTS"], "../shared/data/manifests", "../../shared/data/manifests"].flatMap((place) => (place === undefined ? [] : [resolve(projectDirectory, place)]));

/** Path of one manifest (`volumes/redis.yaml`); undefined where the manifests are not at hand. */
export function manifestPath(path: string): string | undefined {
  return places.map((place) => resolve(place, path)).find((candidate) => existsSync(candidate));
}

/** The `skip` option of a test that needs them. */
export const skipWithoutManifests: string | false = manifestPath("volumes/redis.yaml") === undefined && "the manifests do not stand beside this checkout";
