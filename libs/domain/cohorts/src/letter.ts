/** Letters of patches in the order of their issue, as for Array.sort: none < a < c < z < aa. */
export function compareLetters(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}
