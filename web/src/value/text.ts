// SPDX-License-Identifier: MIT
//
// Values: text.ts turns one into words for any place; Show.tsx draws it, Edit.tsx asks for it, Lookup.tsx finds records,
// Marks.tsx draws the shapes of synchronisation.
import type { References, Row, Title } from '../api/types';
import { ENTITY_NAMES, halfOf, isChoice, type Catalogue, type Entity, type Field } from '../catalogue/model';
import { filteredBy, filterText, readFilter } from '../list/filter';
import type { I18n, Key } from '../i18n';
import { dateTime, decimal, money, phone } from '../i18n/format';

export const titleOf = (t: Title | undefined): string => (t === undefined ? '' : typeof t === 'string' ? t : t.title);
export const isReference = (t: Title | undefined): boolean => typeof t === 'object' && t.is_reference === true;

export function referenceOf(f: Field, value: unknown, row: Row | undefined, refs: References | undefined): { entity: string; title: Title | undefined } {
  const entity = f.type === 'poly' ? String(row?.[f.name_field ?? ''] ?? '') : (f.target ?? '');
  return { entity, title: refs?.[entity]?.[String(value)] };
}

/* The node's title in the reader's words: it names a record by the value of a choice, or by the name of a kind of record. */
export function titleWords(c: Catalogue, i: I18n, entity: string, id: string, title: string | null | undefined): string {
  const own = c.title(id, i.lang);
  if (own || !title) return own ?? '';
  const words = title.split(' ');
  const fields = c.entity(entity)?.title.map((n) => c.field(entity, n)) ?? [];
  if (fields.length === 1 && fields[0]?.type === 'ref') return c.titleIn(title, i.lang);
  fields.forEach((f, n) => {
    const word = words[n];
    if (f && word !== undefined) words[n] = i.label(isChoice(f) ? c.choice(f, word) : ENTITY_NAMES.test(f.name) ? c.entity(word) : undefined) || word;
  });
  return halfOf(c.entity(entity), words.join(' '), i.lang);
}

/* The word after a number: 家公司; companies. */
export const counted = (i: I18n, c: Catalogue, e: Entity, n: number): string => (i.lang === 'zh' ? (e.measure ?? '条') + e.zh : (n === 1 ? e : c.plural(e)).en.toLowerCase());

/* The second line that tells namesakes apart, with choices by their words. */
export function secondWords(c: Catalogue, i: I18n, entity: string, second: string | null | undefined): string {
  const fields = c.fields(entity, c.entity(entity)?.layout.second ?? []).filter(isChoice);
  return (second ?? '').split(' / ').map((word) => fields.map((f) => i.label(c.choice(f, word))).find(Boolean) || c.titleIn(word, i.lang)).join(' / ');
}

const percent = (f: Field) => (/[（(]%[）)]/.test(f.zh) ? '%' : '');

/* Why two records look alike: by the name of a field, by a word of ours, or in the words of whoever said so. */
export function alikeText(c: Catalogue, i: I18n, entity: string, rule: string): string {
  if (rule === 'lead') return i.t('alike.lead');
  const what = i.label(c.field(entity, rule)) || (['person', 'phone', 'mail'].includes(rule) ? i.t(`alike.${rule}` as Key) : '');
  return what ? i.t('alike.same', { what }) : rule;
}

/* In words; '' when empty. */
export function valueText(c: Catalogue, i: I18n, f: Field, value: unknown, refs?: References, row?: Row): string {
  if (value === null || value === undefined || value === '') return '';
  switch (f.type) {
    case 'bool':
      return i.t(value ? 'ui.yes' : 'ui.no');
    case 'enum':
    case 'fsm':
    case 'pick':
      return i.label(c.choice(f, value)) || String(value);
    case 'set':
      return (Array.isArray(value) ? value : [value]).map((v) => i.label(c.choice(f, v)) || String(v)).join(i.lang === 'zh' ? '、' : ', ');
    case 'money':
      return money(String(value));
    case 'int':
      return /year|_no$|position/.test(f.name) ? String(value) : decimal(String(value)) + percent(f);
    case 'dec':
    case 'qty':
      return decimal(String(value).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')) + percent(f);
    case 'date':
      return String(value).slice(0, 10);
    case 'dt':
      return dateTime(new Date(String(value)));
    case 'ref':
    case 'poly': {
      const { entity, title } = referenceOf(f, value, row, refs);
      return titleWords(c, i, entity, String(value), titleOf(title)) || i.t('ui.elsewhere');
    }
    case 'calc':
      return calcText(f, value);
    case 'json': {
      const owner = f.name === 'filter' ? c.entities.find((e) => e.fields.includes(f)) : undefined;
      const asked = owner && filteredBy(c, owner.name, row);
      const filter = asked && readFilter(value);
      if (asked && filter) return filterText(c, i, asked, filter, refs);
      return typeof value === 'string' ? value : JSON.stringify(value);
    }
    case 'text': {
      const kind = ENTITY_NAMES.test(f.name) ? c.entity(String(value)) : undefined;
      if (kind) return i.label(kind);
      return /mobile|phone|^value$/.test(f.name) ? phone(String(value)) : String(value);
    }
    default:
      return String(value);
  }
}

function calcText(f: Field, value: unknown): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return dateTime(new Date(value));
  if (/amount|total|price|revenue/.test(f.name) && /^-?\d+(\.\d+)?$/.test(String(value))) return money(String(value));
  return String(value);
}
