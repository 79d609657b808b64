import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Path of a program on PATH, and nowhere else: what a test finds, the shells and programs it starts must find too; undefined if it is not there. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * The `skip` option of a test that needs an outside program: a reason where it is missing, or false. With SPHERESIM_INTEROP=require a missing
 * program is no reason, and the test fails for want of it.
 */
export function skipWithout(...names: readonly string[]): string | false {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0 || process.env["SPHERESIM_INTEROP"] === "require") return false;
  return `${missing.join(" and ")} not installed`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
