import { readFileSync } from "node:fs";

// From dist/src/cli as from src/cli the package stands at a different depth: the nearest one counts.
function packageFile(): URL {
  for (const up of ["../../package.json", "../../../package.json"]) {
    const url = new URL(up, import.meta.url);
    try {
      readFileSync(url);
      return url;
    } catch {
      // one level further up
    }
  }
  throw new Error("package.json of spheresim is missing");
}

/** Version of this program. */
export const version = (JSON.parse(readFileSync(packageFile(), "utf8")) as { readonly version: string }).version;
