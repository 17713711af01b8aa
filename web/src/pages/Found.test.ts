// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { Field } from '../catalogue/model';
import { foundValue } from './Found';

const field = (type: string) => ({ name: 'x', type, en: '', zh: '' }) as Field;

test('a found value is turned into what the API takes, and what can only be shown is not offered', () => {
  expect(foundValue(field('text'), 'Köln')).toBe('Köln');
  expect(foundValue(field('bool'), 1)).toBe(true);
  expect(foundValue(field('int'), 12)).toBe(12);
  expect(foundValue(field('money'), 5000000)).toBe('50000.00');
  expect(foundValue(field('text'), null)).toBeNull();
  expect(foundValue(field('qty'), 5)).toBeUndefined();
  expect(foundValue(undefined, { name: 'a row' })).toBeUndefined();
});
