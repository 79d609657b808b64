/** Length of the longest of these texts, characters; 0 where there are none. A hundred thousand of them are too many to be the parameters of one call. */
export function widest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0);
}
