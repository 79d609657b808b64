/** What a person reads on. */
export interface Screen {
  /** Width of the terminal, characters; absent where the output goes into a file or a pipe. */
  readonly columns: number | undefined;
  /** Whether it shows blocks; else bars are of ASCII. */
  readonly unicode: boolean;
}

/** Columns of a terminal that does not say. */
const USUAL_COLUMNS = 80;

/** Standard output, by what the terminal and the locale say. */
export function screen(output: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout, environment: NodeJS.ProcessEnv = process.env): Screen {
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
  const unicode = environment["TERM"] !== "dumb" && (locale === "" || /utf-?8/i.test(locale));
  return { columns: output.isTTY === true ? output.columns || USUAL_COLUMNS : undefined, unicode };
}
