import { NotUnderstood, OPAQUE, parseShell, VARIABLE, type ShellNode } from "./shell-syntax.js";

/** How long a script runs, and how it ends. */
export interface ShellOutcome {
  /** Emulated milliseconds; Infinity when it never ends by itself. */
  readonly runsMs: number;
  readonly exitCode: number;
  /** What it does on TERM: exit code of a `trap`; undefined without one (a shell as first process does not listen). */
  readonly trapExitCode: number | undefined;
}

/** A script ends here. */
class ShellExit extends Error {
  constructor(readonly code: number) {
    super("exit");
  }
}
/** It does not end by itself. */
class Forever extends Error {}
class LoopControl extends Error {
  constructor(readonly kind: "break" | "continue") {
    super(kind);
  }
}

/** Loops are followed so far; one that goes on is taken to go on for ever. */
const MAX_STEPS = 2_000;

/** Commands that do their work in no time and succeed; a download is taken to work. */
const INSTANT = new Set(
  "true : echo printf date mkdir touch chmod chown chgrp cp mv rm rmdir ln ls env printenv hostname id whoami uname pwd sync umask export readonly local set shopt cd stty tee sort uniq wc head cut tr sed awk rev df du free ps uptime nproc base64 md5sum sha256sum basename dirname tar gzip which type kill killall sysctl ulimit unset wget curl".split(" "),
);

/**
 * Runs a script in the head: adds up what it sleeps and finds out how it exits.
 *
 * Worked example: `echo hi && sleep 30 && exit 42` runs 30,000 ms and exits 42; `while true; do date; sleep 5; done` never ends.
 *
 * @throws NotUnderstood when it uses what is not known here
 */
export function runShell(script: string, env: Readonly<Record<string, string>>): ShellOutcome {
  const run = new Run(env);
  const node = parseShell(script);
  try {
    const exitCode = run.node(node);
    return { runsMs: run.ms, exitCode, trapExitCode: run.trapExitCode };
  } catch (error) {
    if (error instanceof ShellExit) return { runsMs: run.ms, exitCode: error.code, trapExitCode: run.trapExitCode };
    if (error instanceof Forever) return { runsMs: Number.POSITIVE_INFINITY, exitCode: 0, trapExitCode: run.trapExitCode };
    throw error;
  }
}

/** `5`, `0.5`, `2m`, `1h`, `1d`, `inf` as `sleep` reads them, in milliseconds; undefined when it would not. */
export function sleepMs(text: string): number | undefined {
  if (/^inf(?:inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[(match[2] || "s") as "s"];
}

class Run {
  ms = 0;
  trapExitCode: number | undefined;
  readonly #variables: Map<string, string>;
  #status = 0;
  #steps = 0;
  #errexit = false;

  constructor(env: Readonly<Record<string, string>>) {
    this.#variables = new Map(Object.entries(env));
  }

  node(node: ShellNode): number {
    switch (node.kind) {
      case "list":
        for (const item of node.items) {
          this.#status = this.node(item);
          if (this.#errexit && this.#status !== 0 && item.kind === "simple") throw new ShellExit(this.#status);
        }
        return this.#status;
      case "and":
        return (this.#status = this.node(node.left)) === 0 ? this.node(node.right) : this.#status;
      case "or":
        return (this.#status = this.node(node.left)) === 0 ? 0 : this.node(node.right);
      case "not":
        return this.node(node.command) === 0 ? 1 : 0;
      case "background":
        return 0;
      case "pipe":
        return this.#pipe(node.commands);
      case "while":
        return this.#while(node);
      case "for":
        return this.#for(node);
      case "if":
        for (const branch of node.branches) if (this.node(branch.condition) === 0) return this.node(branch.body);
        return node.otherwise === undefined ? 0 : this.node(node.otherwise);
      case "simple":
        return this.#simple(node.words.map((word) => this.#expand(word)));
    }
  }

  /** All parts run side by side: as long as the longest, with the status of the last. */
  #pipe(commands: readonly ShellNode[]): number {
    const startMs = this.ms;
    let endMs = startMs;
    let status = 0;
    for (const command of commands) {
      this.ms = startMs;
      status = this.node(command);
      endMs = Math.max(endMs, this.ms);
    }
    this.ms = endMs;
    return status;
  }

  #while(node: ShellNode & { readonly kind: "while" }): number {
    let status = 0;
    while ((this.node(node.condition) === 0) !== node.until) {
      const next = this.#body(node.body);
      if (next === "break") break;
      status = this.#status;
    }
    return status;
  }

  #for(node: ShellNode & { readonly kind: "for" }): number {
    if (node.words.some((word) => word.includes(OPAQUE) || word.includes("*") || word.includes("{"))) throw new NotUnderstood("words of for");
    for (const word of node.words.flatMap((each) => this.#expand(each).split(/\s+/)).filter((each) => each !== "")) {
      this.#variables.set(node.variable, word);
      if (this.#body(node.body) === "break") break;
    }
    return this.#status;
  }

  #body(body: ShellNode): "break" | "next" {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new Forever();
    try {
      this.#status = this.node(body);
    } catch (error) {
      if (!(error instanceof LoopControl)) throw error;
      if (error.kind === "break") return "break";
    }
    return "next";
  }

  #simple(words: readonly string[]): number {
    const assigned = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
    const assignments = assigned < 0 ? words : words.slice(0, assigned);
    const [path, ...args] = assigned < 0 ? [] : words.slice(assigned);
    if (path === undefined) {
      for (const each of assignments) this.#variables.set(each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1));
      return 0;
    }
    const name = path.split("/").at(-1) ?? path;
    if (INSTANT.has(name)) {
      if (name === "set" && args.some((arg) => /^-[a-z]*e/.test(arg))) this.#errexit = true;
      return 0;
    }
    switch (name) {
      case "false":
        return 1;
      case "sleep":
        return this.#sleep(args);
      case "exit":
      case "return":
        throw new ShellExit(args[0] === undefined ? this.#status : this.#number(args[0]) & 255);
      case "break":
      case "continue":
        throw new LoopControl(name);
      case "trap":
        return this.#trap(args);
      case "exec":
      case "eval":
      case "nohup":
      case "command":
      case "time":
        return args.length === 0 ? 0 : this.#simple(args);
      case "cat":
        return 0;
      case "tail":
        if (args.some((arg) => /^(?:-[a-zA-Z]*[fF]|--follow|--retry)/.test(arg))) throw new Forever();
        return 0;
      case "test":
        return this.#test(args);
      case "[":
      case "[[":
        return this.#test(args.slice(0, -1));
      case "sh":
      case "bash":
      case "ash":
      case "dash":
        return this.#nested(args);
      default:
        throw new NotUnderstood(name);
    }
  }

  #sleep(args: readonly string[]): number {
    for (const arg of args) {
      const ms = sleepMs(arg);
      if (ms === undefined) throw new NotUnderstood(`sleep ${arg}`);
      if (ms === Number.POSITIVE_INFINITY) throw new Forever();
      this.ms += ms;
    }
    return args.length === 0 ? 1 : 0;
  }

  #trap(args: readonly string[]): number {
    const [handler = "", ...signals] = args;
    if (!signals.some((signal) => ["TERM", "SIGTERM", "15"].includes(signal))) return 0;
    const exit = /\bexit\b\s*(\d+)?/.exec(handler);
    this.trapExitCode = exit === null ? undefined : Number(exit[1] ?? 0);
    return 0;
  }

  #nested(args: readonly string[]): number {
    const option = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
    const script = args[option + 1];
    if (option < 0 || script === undefined || script.includes(OPAQUE)) throw new NotUnderstood("shell script file");
    try {
      return this.node(parseShell(script));
    } catch (error) {
      if (error instanceof ShellExit) return error.code;
      throw error;
    }
  }

  #test(args: readonly string[]): number {
    const [one = "", two = "", three = ""] = args;
    if (args.some((arg) => arg.includes(OPAQUE)) || args.length > 3) throw new NotUnderstood("test");
    const holds = (): boolean => {
      if (args.length <= 1) return one !== "";
      if (args.length === 2 && one === "-n") return two !== "";
      if (args.length === 2 && one === "-z") return two === "";
      if (args.length === 3 && (two === "=" || two === "==")) return one === three;
      if (args.length === 3 && two === "!=") return one !== three;
      const compare = { "-eq": 0, "-ne": 0, "-lt": 0, "-le": 0, "-gt": 0, "-ge": 0 };
      if (!(two in compare) || !/^-?\d+$/.test(one) || !/^-?\d+$/.test(three)) throw new NotUnderstood(`test ${args.join(" ")}`);
      const difference = Number(one) - Number(three);
      return { "-eq": difference === 0, "-ne": difference !== 0, "-lt": difference < 0, "-le": difference <= 0, "-gt": difference > 0, "-ge": difference >= 0 }[two as "-eq"];
    };
    return holds() ? 0 : 1;
  }

  #number(text: string): number {
    if (!/^\d+$/.test(text)) throw new NotUnderstood(`number ${text}`);
    return Number(text);
  }

  #expand(word: string): string {
    return word.replace(VARIABLE, (_, name: string) => {
      if (name === "?") return String(this.#status);
      if (name === "RANDOM" || name === "SECONDS" || name === "HOSTNAME") return OPAQUE;
      return this.#variables.get(name) ?? "";
    });
  }
}
