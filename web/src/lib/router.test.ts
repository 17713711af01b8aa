// SPDX-License-Identifier: MIT
import { beforeEach, expect, test } from 'vitest';
import { closeTab, navigate, openBehind, openTabs, setQueryOf } from './router';

const queryOf = (path: string) => openTabs().find((t) => t.path === path)?.query;

beforeEach(() => {
  openTabs().forEach((t) => closeTab(t.path));
  navigate('/e/company');
});

test('a page that is shown keeps its query in the address', () => {
  setQueryOf('/e/company', 'sort=name');
  expect(location.pathname + location.search).toBe('/e/company?sort=name');
  setQueryOf('/e/company', '');
  expect(location.search).toBe('');
});

test('a page behind another keeps it in its tab, and does not come to the front', () => {
  openBehind('/e/company/1');
  setQueryOf('/e/company/1', 'edit=1');
  expect(location.pathname).toBe('/e/company');
  expect(queryOf('/e/company/1')).toBe('edit=1');
});
