// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { Row } from '../api/types';
import { Catalogue, type CatalogueAnswer } from '../catalogue/model';
import { i18nOf } from '../i18n';
import { filteredBy, filterText, readFilter } from './filter';

const text = (name: string, zh: string) => ({ name, type: 'text', en: name, zh });
const entities = [
  { name: 'company', en: 'Company', zh: '公司', title: ['name'], layout: {}, fields: [text('name', '公司名称')] },
  { name: 'address', en: 'Address', zh: '地址', title: ['city'], layout: {}, fields: [text('city', '城市'), text('note', '备注')] },
  { name: 'territory_rule', en: 'Rule', zh: '规则', title: ['entity'], layout: {}, fields: [{ name: 'filter', type: 'json', en: 'Filter', zh: '条件' }] },
];
const c = new Catalogue({ version: '1', modules: [], entities, choices: {} } as unknown as CatalogueAnswer);

test('a kept filter is read from JSON and from text; anything else is left as it is', () => {
  expect(readFilter('[["name","~","A"]]')).toEqual([['name', '~', 'A']]);
  expect(readFilter([['name', 'empty']])).toEqual([['name', 'empty']]);
  expect(readFilter([{ any: [['name', '=', 'A']] }])).toEqual([{ any: [['name', '=', 'A']] }]);
  expect(readFilter(null)).toEqual([]);
  expect(readFilter('not json')).toBeNull();
  expect(readFilter({ name: 'A' })).toBeNull();
});

test('a rule of a territory asks a company and its address, and is told in words', () => {
  const row = { id: 'r', entity: 'company' } as Row;
  const asked = filteredBy(c, 'territory_rule', row)!;
  expect(asked.fields.map((f) => f.name)).toEqual(['name', 'city']);
  expect(filterText(c, i18nOf('zh'), asked, [['city', '=', '苏州'], ['name', '~', '精密']])).toBe('城市：苏州，公司名称 包含 精密');
  expect(filteredBy(c, 'saved_query', row)!.fields).toHaveLength(1);
  expect(filteredBy(c, 'territory_rule', { id: 'r' } as Row)).toBeUndefined();
});
