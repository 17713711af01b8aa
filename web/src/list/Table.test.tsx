// SPDX-License-Identifier: MIT
import { createRoot } from 'react-dom/client';
import { flushSync } from 'react-dom';
import { expect, test } from 'vitest';
import { readCatalogue } from '../../dev/catalogue';
import { CatalogueProvider } from '../api/session';
import type { Row } from '../api/types';
import { Catalogue } from '../catalogue/model';
import { setLanguage } from '../i18n';
import { Table } from './Table';

const c = new Catalogue(readCatalogue());

/* The cells of one row under the headings of a list, as it comes. */
function cellsOf(name: string, row: Row): Record<string, string> {
  const entity = c.entity(name)!;
  const box = document.createElement('div');
  const root = createRoot(box);
  flushSync(() => root.render(<CatalogueProvider value={c}><Table entity={entity} columns={entity.layout.list.columns} rows={[row]} refs={{}} sort="" chosen={[]} /></CatalogueProvider>));
  const words = (of: string) => [...box.querySelectorAll(of)].map((e) => e.textContent ?? '');
  const cells = words('td');
  return Object.fromEntries(words('th').map((head, n) => [head, cells[n]!]));
}

test('a list of territory rules says in words what each asks', () => {
  const rule = { id: 'r', entity: 'company', priority: 10, enabled: true, filter: [['province', 'in', ['江苏省', '浙江省']], ['employees', '>=', 200]] } as unknown as Row;
  setLanguage('zh');
  expect(cellsOf('territory_rule', rule)).toMatchObject({ 记录类型: '公司', 条件: '省/直辖市：江苏省、浙江省，员工人数 不少于 200' });
  setLanguage('en');
  expect(cellsOf('territory_rule', rule)).toMatchObject({ 'Record (kind)': 'Company', Filter: 'Province: 江苏省, 浙江省, Number of employees is at least 200' });
});
