/** What `read` makes of a benchmark's command line; where it throws, its reason in one line above the usage, and status 2. */
export function readOrExplain<T>(usage: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`spheresim bench: ${(error as Error).message}\n${usage}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

/** A list of whole numbers from 1, with commas between. Throws and names the option for anything else. */
export function wholeNumbers(option: string, words: string): number[] {
  return words.split(",").map((word) => {
    const number = Number(word);
    if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${option} must be whole numbers from 1, with commas between, not "${words}"`);
    return number;
  });
}

/** One of them. */
export function wholeNumber(option: string, word: string): number {
  const number = Number(word);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${option} must be a whole number from 1, not "${word}"`);
  return number;
}
