// SPDX-License-Identifier: MIT
// Addresses and tabs. An address is a path with a query; a tab is a path, opened once, that remembers its last query.
// Tabs survive a reload (session storage). No framework: history.pushState and one store.
import { useSyncExternalStore } from 'react';

export interface Tab { path: string; query: string; title: string; isDirty: boolean }
export interface Place { path: string; query: string; tabs: Tab[] }

const STORED = 'fb.tabs';
export const HOME = '/my-day';
const listeners = new Set<() => void>();

function readTabs(): Tab[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as Tab[];
    return Array.isArray(kept) ? kept.filter((t) => typeof t.path === 'string').map((t) => ({ ...t, isDirty: false })) : [];
  } catch {
    return [];
  }
}

const split = (address: string): [string, string] => {
  const at = address.indexOf('?');
  return at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at + 1)];
};

function withTab(tabs: Tab[], path: string, query: string): Tab[] {
  const at = tabs.findIndex((t) => t.path === path);
  if (at < 0) return [...tabs, { path, query, title: '', isDirty: false }];
  return tabs.map((t, i) => (i === at ? { ...t, query } : t));
}

const here = () => (location.pathname === '/' ? HOME : location.pathname);
let place: Place = { path: here(), query: location.search.slice(1), tabs: withTab(withTab(readTabs(), HOME, ''), here(), location.search.slice(1)) };

function set(next: Place): void {
  place = next;
  sessionStorage.setItem(STORED, JSON.stringify(next.tabs));
  listeners.forEach((f) => f());
}

export function navigate(address: string, how: 'push' | 'replace' = 'push'): void {
  const [path, query] = split(address);
  if (path === place.path && query === place.query) return;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', query ? `${path}?${query}` : path);
  set({ path, query, tabs: withTab(place.tabs, path, query) });
}

/* Ctrl+Enter and the middle button: a tab behind this one. */
export function openBehind(address: string, title = ''): void {
  const [path, query] = split(address);
  const tabs = withTab(place.tabs, path, query).map((t) => (t.path === path && !t.title ? { ...t, title } : t));
  set({ ...place, tabs });
}

/* The query of a page that is open, here or behind another tab; nothing else comes to the front. */
export function setQueryOf(path: string, query: string): void {
  if (place.path === path) return navigate(query ? `${path}?${query}` : path, 'replace');
  return set({ ...place, tabs: place.tabs.map((t) => (t.path === path ? { ...t, query } : t)) });
}

export function showTab(tab: Tab): void {
  navigate(tab.query ? `${tab.path}?${tab.query}` : tab.path);
}

export function closeTab(path: string): void {
  const at = place.tabs.findIndex((t) => t.path === path);
  const tabs = place.tabs.filter((t) => t.path !== path);
  set({ ...place, tabs });
  if (path === place.path) {
    const next = tabs[Math.max(0, at - 1)];
    navigate(next ? (next.query ? `${next.path}?${next.query}` : next.path) : HOME);
  }
}

/* A form was saved under its own address: the tab of "new" becomes the record's. */
export function becomeTab(from: string, address: string): void {
  const [path, query] = split(address);
  const tabs = place.tabs.filter((t) => t.path !== path).map((t) => (t.path === from ? { path, query, title: '', isDirty: false } : t));
  history.replaceState(null, '', address);
  set({ path, query, tabs });
}

export function nameTab(path: string, title: string, isDirty = false): void {
  const tab = place.tabs.find((t) => t.path === path);
  if (!tab || (tab.title === title && tab.isDirty === isDirty)) return;
  set({ ...place, tabs: place.tabs.map((t) => (t.path === path ? { ...t, title, isDirty } : t)) });
}

export function forgetTabs(): void {
  sessionStorage.removeItem(STORED);
  place = { ...place, tabs: withTab([], HOME, '') };
}

window.addEventListener('popstate', () => {
  const query = location.search.slice(1);
  set({ path: here(), query, tabs: withTab(place.tabs, here(), query) });
});

/* A part of the place, such as its path: what uses it is drawn anew only when that part changed. */
export function usePlace<T>(part: (p: Place) => T): T {
  return useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    () => part(place),
  );
}

export const openTabs = (): Tab[] => place.tabs;
export const usePath = () => usePlace((p) => p.path);
/* The query of an address; hidden behind another tab it is what its tab remembers. */
export const useQueryOf = (path: string) => usePlace((p) => (p.path === path ? p.query : (p.tabs.find((t) => t.path === path)?.query ?? '')));

export const recordPath = (entity: string, id: string) => `/e/${entity}/${id}`;
export const listPath = (entity: string, filter?: unknown) => `/e/${entity}${filter ? `?${new URLSearchParams({ filter: JSON.stringify(filter) })}` : ''}`;
