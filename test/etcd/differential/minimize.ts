/**
 * Shortens a list that fails, by leaving out ever smaller pieces of it (delta debugging), in at most `attempts` tries. Returns undefined
 * if the whole list does not fail again.
 *
 * Example: of 1 2 3 4 5 6 fail those with 2 and 5: without 1-3 no, without 4-6 no; without 1 yes, 3 yes, 4 yes, 6 yes: 2 5 is left.
 */
export async function minimize<T>(list: readonly T[], attempts: number, fails: (candidate: readonly T[]) => Promise<boolean>): Promise<readonly T[] | undefined> {
  let left = attempts;
  const tries = async (candidate: readonly T[]): Promise<boolean> => {
    left -= 1;
    return fails(candidate);
  };
  if (!(await tries(list))) return undefined;
  let shortest = list;
  for (let size = Math.ceil(list.length / 2); left > 0; size = Math.ceil(size / 2)) {
    for (let at = shortest.length; at > 0 && left > 0; at -= size) {
      const candidate = [...shortest.slice(0, Math.max(0, at - size)), ...shortest.slice(at)];
      if (await tries(candidate)) shortest = candidate;
    }
    if (size === 1) break;
  }
  return shortest;
}
