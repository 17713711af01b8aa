// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { withTabs, type Panel } from './Panels';

const panel = (key: string, isEmpty = false): Panel => ({ key, label: key, isEmpty, draw: () => null });
const many = (n: number, isEmpty: boolean) => Array.from({ length: n }, (_, k) => panel(`${isEmpty ? 'empty' : 'full'}${k}`, isEmpty));
const keys = (panels: Panel[], chosen = 'full0') => withTabs(panels, chosen).map((p) => p.key);

test('empty panels fold away beyond the eighth, and full ones never', () => {
  expect(keys([...many(3, false), ...many(9, true)])).toHaveLength(8);
  expect(keys([...many(12, false), ...many(2, true)])).toEqual(keys(many(12, false)));
});

test('the one that is shown has a tab, empty or not', () => {
  expect(keys([...many(8, false), ...many(4, true)], 'empty3')).toContain('empty3');
});
