// SPDX-License-Identifier: MIT
//
// Lists: state.ts keeps what a list shows in its address (so that Back, reload and links work) and saved views and
// columns per device; ListPage.tsx puts the pieces together; Table, Board, Calendar draw rows; FilterBar builds filters;
// Bulk acts on chosen rows; csv.ts exports.
import { useCallback } from 'react';
import type { Clause, Filter } from '../api/types';
import type { Catalogue, Entity } from '../catalogue/model';
import { listPath, navigate, useQueryOf } from '../lib/router';

export type Shape = 'table' | 'board' | 'calendar';
export interface ListState { filter: Filter; sort: string; shape: Shape; q: string; view: string }
export interface SavedView { name: string; filter: Filter; sort: string; columns: string[]; shape: Shape }

/* A calendar opens on one's own dates; colleagues' are a choice away. */
export const usualView = (shape: Shape) => (shape === 'calendar' ? 'mine' : 'all');

export function readState(query: string, e: Entity): ListState {
  const q = new URLSearchParams(query);
  let filter: Filter = [];
  try {
    filter = JSON.parse(q.get('filter') ?? '[]') as Filter;
  } catch {
    // A mended link: shown without its filter rather than not at all.
  }
  const shape = (q.get('shape') as Shape | null) ?? 'table';
  return {
    filter: Array.isArray(filter) ? filter : [],
    sort: q.get('sort') ?? e.layout.list.sort ?? '',
    shape,
    q: q.get('q') ?? '',
    view: q.get('view') ?? usualView(shape),
  };
}

export function writeState(e: Entity, s: ListState): string {
  const q = new URLSearchParams();
  if (s.filter.length > 0) q.set('filter', JSON.stringify(s.filter));
  if (s.sort && s.sort !== e.layout.list.sort) q.set('sort', s.sort);
  if (s.shape !== 'table') q.set('shape', s.shape);
  if (s.q) q.set('q', s.q);
  if (s.view !== usualView(s.shape)) q.set('view', s.view);
  const text = q.toString();
  return listPath(e.name) + (text ? `?${text}` : '');
}

export function useListState(e: Entity): [ListState, (change: Partial<ListState>) => void] {
  const own = useQueryOf(listPath(e.name));
  const state = readState(own, e);
  const change = useCallback((more: Partial<ListState>) => navigate(writeState(e, { ...readState(own, e), ...more }), 'replace'), [e, own]);
  return [state, change];
}

const read = <T,>(key: string, otherwise: T): T => {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? 'null') as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
};

export const savedViews = (user: string, entity: string) => read<SavedView[]>(`fb.views/${user}/${entity}`, []);
export const keepViews = (user: string, entity: string, views: SavedView[]) => localStorage.setItem(`fb.views/${user}/${entity}`, JSON.stringify(views));
export const keptColumns = (user: string, entity: string) => read<string[] | null>(`fb.columns/${user}/${entity}`, null);
export const keepColumns = (user: string, entity: string, columns: string[] | null) =>
  columns ? localStorage.setItem(`fb.columns/${user}/${entity}`, JSON.stringify(columns)) : localStorage.removeItem(`fb.columns/${user}/${entity}`);

export function shownColumns(c: Catalogue, e: Entity, kept: string[] | null): string[] {
  const names = (kept ?? e.layout.list.columns).filter((n) => c.field(e.name, n) !== undefined);
  return names.length > 0 ? names : e.title;
}

/* What the API is asked: the filter, and "mine" as a clause on the owner. */
export function askedFilter(c: Catalogue, e: Entity, s: ListState): Filter {
  const owner = c.ownerField(e);
  return s.view === 'mine' && owner ? [[owner.name, 'me'] as Clause, ...s.filter] : s.filter;
}

export const sortOf = (sort: string, field: string): 'ascend' | 'descend' | null => {
  const first = sort.split(',')[0];
  return first === field ? 'ascend' : first === `-${field}` ? 'descend' : null;
};
