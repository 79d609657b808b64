import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectDirectory } from "../../src/base/project-files.js";

const main = join(projectDirectory, "dist", "src", "cli", "main.js");

/** What a command shows on a terminal of so many columns; needs util-linux's script. */
export async function onTerminal(parameters: readonly string[], columns: number): Promise<string> {
  const quoted = [process.execPath, main, ...parameters].map((each) => `'${each.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  const { stdout } = await promisify(execFile)("script", ["-qec", `stty cols ${columns} && ${quoted}`, "/dev/null"], { env: { ...process.env, LANG: "C.UTF-8", LC_ALL: "C.UTF-8", TERM: "xterm" } });
  return stdout.replaceAll("\r\n", "\n");
}
