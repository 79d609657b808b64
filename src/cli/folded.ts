/** Text in lines of at most so many characters, broken at blanks; a longer word stands alone. The first line begins with `first`, all others with `next`. */
export function folded(text: string, columns: number | undefined, first = "", next = first): string {
  if (columns === undefined || first.length + text.length <= columns) return `${first}${text}\n`;
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = next;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].map((each) => `${each.trimEnd()}\n`).join("");
}
