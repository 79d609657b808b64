/** A word of a script: its text, with `OPAQUE` where only a run would tell (command substitution). */
export type Word = string;

/** Stands in a word for what is not known without running it. */
export const OPAQUE = "\uFFFC";

/** A parsed script. */
export type ShellNode =
  | { readonly kind: "simple"; readonly words: readonly Word[] }
  | { readonly kind: "list"; readonly items: readonly ShellNode[] }
  | { readonly kind: "and" | "or"; readonly left: ShellNode; readonly right: ShellNode }
  | { readonly kind: "not"; readonly command: ShellNode }
  | { readonly kind: "pipe"; readonly commands: readonly ShellNode[] }
  | { readonly kind: "background"; readonly command: ShellNode }
  | { readonly kind: "while"; readonly until: boolean; readonly condition: ShellNode; readonly body: ShellNode }
  | { readonly kind: "for"; readonly variable: string; readonly words: readonly Word[]; readonly body: ShellNode }
  | { readonly kind: "if"; readonly branches: readonly { readonly condition: ShellNode; readonly body: ShellNode }[]; readonly otherwise: ShellNode | undefined };

/** A script says something this small reader does not know. */
export class NotUnderstood extends Error {}

interface Token {
  readonly operator: boolean;
  readonly text: string;
  /** Whether part of it was quoted: then it is no reserved word. */
  readonly quoted: boolean;
}

/** `$NAME`, `${NAME}` and `$?` stay in words, marked, for the run to fill in. */
export const VARIABLE = /\uE000([A-Za-z_]\w*|\?|\d|#|@|\*)\uE001/g;

const OPERATORS = ["&&", "||", ";;", ";", "&", "|", "(", ")", "\n"];

function tokenize(script: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < script.length) {
    const rest = script.slice(at);
    const space = /^(?:[ \t\r]|\\\n)+/.exec(rest) ?? (tokens.length === 0 || tokens.at(-1)?.operator === true || /\s/.test(script.charAt(at - 1)) ? /^#[^\n]*/.exec(rest) : null);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    // What is written where makes no difference to how long a program runs.
    const redirection = /^(?:\d*(?:>>|>&|>\||>|<&|<<<|<(?!<))|&>)/.exec(rest);
    if (redirection !== null) {
      at += redirection[0].length;
      at += /^[ \t]*/.exec(script.slice(at))?.[0].length ?? 0;
      at = readWord(script, at).end;
      continue;
    }
    if (rest.startsWith("<<")) throw new NotUnderstood("here-document");
    const operator = OPERATORS.find((each) => rest.startsWith(each));
    if (operator !== undefined) {
      tokens.push({ operator: true, text: operator === "\n" ? ";" : operator, quoted: false });
      at += operator.length;
      continue;
    }
    const word = readWord(script, at);
    if (word.end === at) throw new NotUnderstood(rest.slice(0, 10));
    tokens.push({ operator: false, text: word.text, quoted: word.quoted });
    at = word.end;
  }
  return tokens;
}

function readWord(script: string, start: number): { readonly text: string; readonly end: number; readonly quoted: boolean } {
  let at = start;
  let text = "";
  let quoted = false;
  let inDouble = false;
  while (at < script.length) {
    const char = script.charAt(at);
    if (!inDouble && /[\s;&|()<>]/.test(char)) break;
    if (char === '"') {
      inDouble = !inDouble;
      quoted = true;
      at += 1;
    } else if (char === "'" && !inDouble) {
      const end = script.indexOf("'", at + 1);
      if (end < 0) throw new NotUnderstood("unclosed quote");
      text += script.slice(at + 1, end);
      quoted = true;
      at = end + 1;
    } else if (char === "\\") {
      text += script.charAt(at + 1);
      at += 2;
    } else if (char === "`") {
      const end = script.indexOf("`", at + 1);
      if (end < 0) throw new NotUnderstood("unclosed substitution");
      text += OPAQUE;
      at = end + 1;
    } else if (char === "$") {
      const part = readDollar(script, at);
      text += part.text;
      at = part.end;
    } else {
      text += char;
      at += 1;
    }
  }
  if (inDouble) throw new NotUnderstood("unclosed quote");
  return { text, end: at, quoted };
}

function readDollar(script: string, at: number): { readonly text: string; readonly end: number } {
  const rest = script.slice(at);
  const plain = /^\$(?:([A-Za-z_]\w*|[?#@*\d])|\{([A-Za-z_]\w*)\})/.exec(rest);
  if (plain !== null) return { text: `\uE000${plain[1] ?? plain[2] ?? ""}\uE001`, end: at + plain[0].length };
  if (rest.startsWith("$(")) {
    let depth = 0;
    for (let end = at + 1; end < script.length; end += 1) {
      if (script.charAt(end) === "(") depth += 1;
      if (script.charAt(end) === ")") depth -= 1;
      if (depth === 0) return { text: OPAQUE, end: end + 1 };
    }
    throw new NotUnderstood("unclosed substitution");
  }
  if (rest.startsWith("${")) {
    const end = script.indexOf("}", at);
    if (end < 0) throw new NotUnderstood("unclosed expansion");
    return { text: OPAQUE, end: end + 1 };
  }
  return { text: "$", end: at + 1 };
}

/** Reads a script as a shell would, as far as loops, conditions and lists go. Throws NotUnderstood. */
export function parseShell(script: string): ShellNode {
  const reader = new Reader(tokenize(script));
  const list = reader.list([]);
  reader.requireEnd();
  return list;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  requireEnd(): void {
    const token = this.#tokens[this.#at];
    if (token !== undefined) throw new NotUnderstood(token.text);
  }

  /** Commands up to one of the reserved words (or operators) in `ends`, which stays. */
  list(ends: readonly string[]): ShellNode {
    const items: ShellNode[] = [];
    for (;;) {
      while (this.#operator(";")) continue;
      if (this.#at >= this.#tokens.length || ends.some((end) => this.#isNext(end))) break;
      const item = this.#andOr();
      if (this.#operator("&")) items.push({ kind: "background", command: item });
      else {
        items.push(item);
        if (this.#at < this.#tokens.length && !this.#operator(";") && !ends.some((end) => this.#isNext(end))) throw new NotUnderstood("list");
      }
    }
    return { kind: "list", items };
  }

  #andOr(): ShellNode {
    let left = this.#pipeline();
    for (;;) {
      const kind = this.#operator("&&") ? "and" : this.#operator("||") ? "or" : undefined;
      if (kind === undefined) return left;
      while (this.#operator(";")) continue;
      left = { kind, left, right: this.#pipeline() };
    }
  }

  #pipeline(): ShellNode {
    if (this.#word("!")) return { kind: "not", command: this.#pipeline() };
    const commands = [this.#command()];
    while (this.#operator("|")) commands.push(this.#command());
    const [only] = commands;
    return commands.length === 1 && only !== undefined ? only : { kind: "pipe", commands };
  }

  #command(): ShellNode {
    if (this.#word("while")) return this.#loop(false);
    if (this.#word("until")) return this.#loop(true);
    if (this.#word("for")) return this.#for();
    if (this.#word("if")) return this.#if();
    if (this.#operator("(")) return this.#closed(")");
    if (this.#word("{")) return this.#closed("}");
    const words: Word[] = [];
    for (let token = this.#tokens[this.#at]; token !== undefined && !token.operator; token = this.#tokens[this.#at]) {
      words.push(token.text);
      this.#at += 1;
    }
    if (words.length === 0 || ["case", "function", "select", "do", "then"].includes(words[0] ?? "")) throw new NotUnderstood(words[0] ?? "operator");
    return { kind: "simple", words };
  }

  #closed(end: string): ShellNode {
    const list = this.list([end]);
    this.#expect(end);
    return list;
  }

  #loop(until: boolean): ShellNode {
    const condition = this.list(["do"]);
    return { kind: "while", until, condition, body: this.#doBody() };
  }

  #for(): ShellNode {
    const variable = this.#take();
    this.#expect("in");
    const words: Word[] = [];
    while (!this.#operator(";")) words.push(this.#take());
    return { kind: "for", variable, words, body: this.#doBody() };
  }

  #doBody(): ShellNode {
    while (this.#operator(";")) continue;
    this.#expect("do");
    const body = this.list(["done"]);
    this.#expect("done");
    return body;
  }

  #if(): ShellNode {
    const branches: { condition: ShellNode; body: ShellNode }[] = [];
    do {
      const condition = this.list(["then"]);
      this.#expect("then");
      branches.push({ condition, body: this.list(["elif", "else", "fi"]) });
    } while (this.#word("elif"));
    const otherwise = this.#word("else") ? this.list(["fi"]) : undefined;
    this.#expect("fi");
    return { kind: "if", branches, otherwise };
  }

  #take(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.operator) throw new NotUnderstood("word");
    this.#at += 1;
    return token.text;
  }

  #isNext(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token !== undefined && token.text === text && !token.quoted;
  }

  #word(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.operator || token.quoted || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #operator(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || !token.operator || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#isNext(text)) throw new NotUnderstood(`missing ${text}`);
    this.#at += 1;
  }
}
