// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { Catalogue, type Entity } from '../catalogue/model';
import { askedFilter, keepViews, readState, savedViews, shownColumns, sortOf, writeState } from './state';

const company: Entity = {
  no: 70, name: 'company', en: 'Company', zh: '公司', title: ['name'], fields: [
    { name: 'name', type: 'text', en: 'Name', zh: '名称' },
    { name: 'owner_id', type: 'ref', target: 'employee', en: 'Owner', zh: '负责人' },
  ],
  layout: { list: { columns: ['name', 'gone'], sort: '-modified_at' }, form: [], quick: [], header: [], second: [] },
};
const c = new Catalogue({ version: '1', modules: [], entities: [company], choices: {} });
const address = (s: string) => s.split('?')[1] ?? '';

beforeEach(() => localStorage.clear());

describe('a list', () => {
  it('keeps what it shows in its address, and nothing that is usual', () => {
    expect(writeState(company, readState('', company))).toBe('/e/company');
    const state = { filter: [['name', '~', '精密'] as ['name', '~', string]], sort: 'name', shape: 'board' as const, q: '东华', view: 'mine' };
    expect(readState(address(writeState(company, state)), company)).toEqual(state);
  });
  it('opens without its filter when the address was mended', () => {
    expect(readState('filter=%7B', company).filter).toEqual([]);
  });
  it('asks for one\'s own rows by the owner', () => {
    expect(askedFilter(c, company, readState('view=mine', company))).toEqual([['owner_id', 'me']]);
  });
  it('a calendar opens on one\'s own dates, and keeps everybody\'s where that was chosen', () => {
    const own = readState('shape=calendar', company);
    expect(askedFilter(c, company, own)).toEqual([['owner_id', 'me']]);
    const all = readState(address(writeState(company, { ...own, view: 'all' })), company);
    expect([all.view, askedFilter(c, company, all)]).toEqual(['all', []]);
  });
  it('shows no column that the catalogue lost', () => {
    expect(shownColumns(c, company, null)).toEqual(['name']);
    expect(shownColumns(c, company, ['x'])).toEqual(['name']);
  });
  it('reads the order of a column', () => {
    expect([sortOf('-amount,name', 'amount'), sortOf('name', 'name'), sortOf('name', 'amount')]).toEqual(['descend', 'ascend', null]);
  });
  it('saved views belong to a person', () => {
    keepViews('u1', 'company', [{ name: 'A', filter: [], sort: '', columns: [], shape: 'table' }]);
    expect(savedViews('u1', 'company')).toHaveLength(1);
    expect(savedViews('u2', 'company')).toHaveLength(0);
  });
});
