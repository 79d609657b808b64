import { SelectorError } from "./label-selector.js";

/** One term of a field selector; comma means and. */
export interface FieldRequirement {
  /** A dotted path: `spec.nodeName`. */
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/**
 * Parses `spec.nodeName=esxi-01,status.phase!=Failed`. A backslash escapes `\`, `,` and `=` inside a value. Which fields
 * exist is the API server's to say: it answers 400 for others.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  return splitEscaped(text, ",")
    .filter((term) => term !== "")
    .map((term) => {
      const operator = /^((?:\\.|[^\\=!])*)(!=|==|=)(.*)$/s.exec(term);
      if (operator === null) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field, sign, value] = operator;
      return { field: field!.trim(), operator: sign === "!=" ? "!=" : "=", value: unescape(value!) };
    });
}

/** The query form of field requirements. */
export function formatFieldSelector(requirements: readonly FieldRequirement[]): string {
  return requirements.map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, (c) => `\\${c}`)}`).join(",");
}

/** Whether all terms hold for an object whose field values `valueOf` knows (absent fields are the empty string). */
export function matchesFieldSelector(requirements: readonly FieldRequirement[], valueOf: (field: string) => string): boolean {
  return requirements.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === "="));
}

function splitEscaped(text: string, separator: string): readonly string[] {
  const parts: string[] = [""];
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at]!;
    if (c === "\\" && at + 1 < text.length) {
      parts[parts.length - 1] += c + text[at + 1]!;
      at += 1;
    } else if (c === separator) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return parts;
}

function unescape(value: string): string {
  return value.replace(/\\([\\,=])/g, "$1");
}
