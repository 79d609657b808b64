import { homedir } from "node:os";
import { join } from "node:path";

/** Directory under which each named emulator keeps its state: `$XDG_STATE_HOME/spheresim`, or `~/.local/state/spheresim`. */
export function stateHome(environment: NodeJS.ProcessEnv): string {
  return join(environment["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "spheresim");
}
