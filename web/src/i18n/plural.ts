// SPDX-License-Identifier: MIT
// English plurals for {n:edit}, {n:company/companies}. Chinese has none and ignores the word.

export function pluralWord(count: number, word: string): string {
  const [one, many] = word.split('/') as [string, string | undefined];
  if (Math.abs(count) === 1) return one;
  if (many !== undefined) return many;
  if (/[^aeiou]y$/.test(one)) return one.slice(0, -1) + 'ies';
  if (/(s|x|z|ch|sh)$/.test(one)) return one + 'es';
  return one + 's';
}
