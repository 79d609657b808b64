/** The two servers did not do the same. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}
