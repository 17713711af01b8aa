// SPDX-License-Identifier: MIT
// What pages ask for, as hooks with one cache. Keys begin with the kind of thing, so that a write can drop what it may
// have changed: ['rows', entity], ['record', entity, id], ['desk', ...] for conflicts, held changes and the like.
import { QueryClient, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api, Problem, type Query } from './client';
import type { Filter, Found, GroupRow, HistoryRow, ListAnswer, RecordAnswer, Related, TimelineRow } from './types';

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 20_000,
      refetchOnWindowFocus: false,
      retry: (count, err) => count < 2 && err instanceof Problem && (err.status === 0 || err.status === 503),
    },
  },
});

export interface ListAsk { filter?: Filter; sort?: string; fields?: string[]; limit?: number; cursor?: string | null; q?: string }

export function listQuery(ask: ListAsk): Query {
  return {
    filter: ask.filter && ask.filter.length > 0 ? JSON.stringify(ask.filter) : undefined,
    sort: ask.sort,
    fields: ask.fields?.join(','),
    limit: ask.limit ?? 50,
    cursor: ask.cursor,
    q: ask.q,
  };
}

export const getList = (entity: string, ask: ListAsk) => api.get<ListAnswer>(`/${entity}`, listQuery(ask));

export function useList(entity: string, ask: ListAsk, enabled = true) {
  return useQuery({
    queryKey: ['rows', entity, ask],
    queryFn: () => getList(entity, ask),
    enabled,
    placeholderData: (before, query) => (query?.queryKey[1] === entity ? before : undefined),
  });
}

export const useRecord = (entity: string, id: string, isOn = true) =>
  useQuery({ queryKey: ['record', entity, id], queryFn: () => api.get<RecordAnswer>(`/${entity}/${id}`), enabled: isOn });

export const useRelated = (entity: string, id: string) =>
  useQuery({ queryKey: ['record', entity, id, 'related'], queryFn: () => api.get<Related[]>(`/${entity}/${id}/related`) });

export interface Page<T> { rows: T[]; next: string | null }

export const useTimeline = (entity: string, id: string, cursor: string | null, isImportant: boolean) =>
  useQuery({
    queryKey: ['record', entity, id, 'timeline', cursor, isImportant],
    queryFn: () => api.get<Page<TimelineRow>>(`/${entity}/${id}/timeline`, { cursor, important: isImportant ? 1 : undefined }),
  });

export const useHistory = (entity: string, id: string, cursor: string | null) =>
  useQuery({
    queryKey: ['record', entity, id, 'history', cursor],
    queryFn: () => api.get<Page<HistoryRow>>(`/${entity}/${id}/history`, { cursor }),
  });

export const lookup = (entity: string, q: string) => api.get<Found[]>(`/lookup/${entity}`, { q, limit: 8 });

export const useGroup = (entity: string, by: string, filter: Filter, sum?: string, enabled = true) =>
  useQuery({
    queryKey: ['rows', entity, 'group', by, filter, sum],
    queryFn: async () => {
      const rows = await api.get<GroupRow[] | { rows: GroupRow[] }>(`/group/${entity}`, { by, filter: filter.length ? JSON.stringify(filter) : undefined, sum });
      return Array.isArray(rows) ? rows : rows.rows;
    },
    enabled,
  });

/* Anything else: a page's own list. Answers either a list or {"rows": [...]}. */
export function useDesk<T>(path: string, query: Query = {}, enabled = true): UseQueryResult<T[]> {
  return useQuery({
    queryKey: ['desk', path, query],
    queryFn: async () => {
      const answer = await api.get<T[] | { rows: T[] }>(path, query);
      return Array.isArray(answer) ? answer : answer.rows;
    },
    enabled,
  });
}

const STORY = ['timeline', 'related', 'history'];

/* After a write of our own: what showed the record is asked for again, once; not the record itself where the write's
   answer holds it. */
export function wrote(entity: string, id?: string, answer?: RecordAnswer): void {
  if (answer) client.setQueryData(['record', entity, id], answer);
  void client.invalidateQueries({ queryKey: ['rows', entity] });
  void client.invalidateQueries({
    queryKey: ['record'],
    predicate: ({ queryKey: [, of, which, what] }) => STORY.includes(String(what)) || (id !== undefined && of === entity && which === id && !(answer && what === undefined)),
  });
  void client.invalidateQueries({ queryKey: ['sync'] });
}

export const deskChanged = () => Promise.all([client.invalidateQueries({ queryKey: ['desk'] }), client.invalidateQueries({ queryKey: ['sync'] })]);
