import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "./project-files.js";

/** Version of this program. */
export const version = (JSON.parse(readFileSync(join(projectDirectory, "package.json"), "utf8")) as { readonly version: string }).version;
