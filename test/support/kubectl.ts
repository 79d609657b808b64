import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { findProgram } from "./external-program.js";

/** The installed kubectl with a kubeconfig and a home of its own. */
export class Kubectl {
  readonly #home = mkdtempSync(join(tmpdir(), "spheresim-kubectl-"));
  readonly #environment: NodeJS.ProcessEnv;
  readonly #program = findProgram("kubectl") ?? "kubectl";

  constructor(kubeconfig: string) {
    this.#environment = { ...process.env, KUBECONFIG: kubeconfig, HOME: this.#home };
  }

  /** Runs one command, its words separated by blanks or given one by one; answers all it said, trimmed. */
  run(words: string | readonly string[], input = ""): Promise<string> {
    return this.#end(words, input, false);
  }

  /** Runs one command that must fail; answers all it said. */
  refused(words: string | readonly string[], input = ""): Promise<string> {
    return this.#end(words, input, true);
  }

  /** Starts one command that goes on, such as `get -w`. */
  start(words: string): ChildProcessByStdio<null, Readable, null> {
    return spawn(this.#program, this.#all(words), { env: this.#environment, stdio: ["ignore", "pipe", "ignore"] });
  }

  close(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }

  #all(words: string | readonly string[]): string[] {
    return ["--cache-dir", join(this.#home, "cache"), ...(typeof words === "string" ? words.split(" ") : words)];
  }

  #end(words: string | readonly string[], input: string, fails: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile(this.#program, this.#all(words), { env: this.#environment, timeout: 60_000 }, (error, stdout, stderr) => {
        const text = `${stdout}${stderr}`.trim();
        if ((error === null) === fails) reject(new Error(`kubectl ${String(words)}: ${text}`, { cause: error }));
        else resolve(text);
      });
      child.stdin?.end(input);
    });
  }
}
