// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { Row } from '../api/types';
import type { Entity, Field } from '../catalogue/model';
import { choicesOf, differences } from './merging';

const field = (name: string, more: Partial<Field> = {}) => ({ name, type: 'text', en: name, zh: name, ...more }) as Field;
const company = { name: 'company', fields: [field('name'), field('short_name'), field('do_not_call', { type: 'bool', merge: 'any' }), field('annual_revenue', { group: 'revenue' }), field('revenue_year', { group: 'revenue' })] } as Entity;
const row = (values: Record<string, unknown>) => ({ id: 'x', name: 'A', short_name: null, do_not_call: false, annual_revenue: null, revenue_year: null, ...values }) as Row;

test('what is empty in the kept record is filled from the other, unless somebody chooses otherwise', () => {
  const list = differences(company, row({}), row({ name: 'B', short_name: 'b' }));
  expect(choicesOf(list, {})).toEqual({ name: 'keep', short_name: 'drop' });
  expect(choicesOf(list, { name: 'drop', short_name: 'keep' })).toEqual({ name: 'drop', short_name: 'keep' });
});

test('an opt-out of either side stays: it is shown, and nothing is asked or sent', () => {
  const list = differences(company, row({}), row({ do_not_call: true }));
  expect(list.map((d) => [d.key, d.combines])).toEqual([['do_not_call', true]]);
  expect(choicesOf(list, { do_not_call: 'keep' })).toEqual({});
});

test('fields of a group go together, under its name', () => {
  const list = differences(company, row({ annual_revenue: '5.00', revenue_year: 2024 }), row({ annual_revenue: '7.00', revenue_year: 2025 }));
  expect(list).toHaveLength(1);
  expect(choicesOf(list, { revenue: 'drop' })).toEqual({ revenue: 'drop' });
});

test('equal values are no question', () => {
  expect(differences(company, row({}), row({}))).toEqual([]);
});
