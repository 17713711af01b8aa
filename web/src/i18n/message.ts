// SPDX-License-Identifier: MIT
// Fills a message: {name} by its value, {n:edit} as "3 edits". A clause whose number is 0 is dropped (pages.md, section
// 4), and a space stands where Han text meets letters or figures.
import { pluralWord } from './plural';

export type Params = Record<string, string | number>;

const HAN = '\\u3400-\\u9fff';
const PARAM = /\{(\w+)(?::([^}]+))?\}/g;
const VALUE_CHARS_MAX = 40;

/* A space between Han and half-width letters or figures, none before % and full-width marks. */
export function spaceHan(text: string): string {
  return text
    .replace(new RegExp(`([${HAN}])([A-Za-z0-9¥$€])`, 'g'), '$1 $2')
    .replace(new RegExp(`([A-Za-z0-9])([${HAN}])`, 'g'), '$1 $2');
}

/* Cut at 40 characters, an empty value as (empty). */
export function shortValue(value: string, isChinese: boolean): string {
  if (value === '') return isChinese ? '（空）' : '(empty)';
  const chars = [...value];
  return chars.length > VALUE_CHARS_MAX ? chars.slice(0, VALUE_CHARS_MAX - 1).join('') + '…' : value;
}

function hasZero(clause: string, params: Params): boolean {
  return [...clause.matchAll(PARAM)].some((m) => params[m[1]!] === 0);
}

function dropEmptyClauses(template: string, params: Params): string {
  const clauses = template.split(/(?<=[，；。,;.：:])(?!\d)/);
  const kept = clauses.filter((c) => !hasZero(c, params));
  if (kept.length === clauses.length || kept.every((c) => !c.includes('{'))) return template;
  const end = clauses[clauses.length - 1]!.slice(-1);
  const text = kept.join('').trimEnd();
  return /[，；,;]$/.test(text) ? text.slice(0, -1) + (/[。.]/.test(end) ? end : '') : text;
}

export function fill(template: string, params: Params, number: (n: number) => string, isChinese: boolean): string {
  const text = dropEmptyClauses(template, params).replace(PARAM, (whole, name: string, word?: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    const shown = typeof value === 'number' ? number(value) : value;
    return word && !isChinese ? `${shown} ${pluralWord(Number(value), word)}` : shown;
  });
  return isChinese ? spaceHan(text) : text;
}
