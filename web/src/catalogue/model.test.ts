// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { halfOf, type Entity } from './model';

const entity = (rule: string) => ({ name: 'x', scope: { rule } }) as Entity;

test('of a name written in both languages readers see theirs, where all have the record', () => {
  const name = '标准价格表 Standard price list';
  expect([halfOf(entity('global'), name, 'zh'), halfOf(entity('global'), name, 'en')]).toEqual(['标准价格表', 'Standard price list']);
  expect(halfOf(entity('account'), '东华 Group', 'zh')).toBe('东华 Group');
  expect(halfOf(entity('global'), '轴承 SKF', 'en')).toBe('轴承 SKF');
  expect(halfOf(undefined, name, 'en')).toBe(name);
});
