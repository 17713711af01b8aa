// SPDX-License-Identifier: MIT
// What changed elsewhere since a page showed it. Nothing moves under the user's hands: pages offer "3 updates [show]".
import { useSyncExternalStore } from 'react';

const changed = new Map<string, Set<string>>();
const listeners = new Set<() => void>();
let version = 0;

const tell = () => {
  version++;
  listeners.forEach((f) => f());
};

export function arrived(entity: string, ids: string[]): void {
  const set = changed.get(entity) ?? new Set<string>();
  ids.forEach((id) => set.add(id));
  changed.set(entity, set);
  tell();
}

export function seen(entity: string, id?: string): void {
  const set = changed.get(entity);
  if (!set || (id !== undefined && !set.has(id))) return;
  if (id === undefined) changed.delete(entity);
  else set.delete(id);
  tell();
}

function useVersion(): number {
  return useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    () => version,
  );
}

export function useArrivals(entity: string): ReadonlySet<string> {
  useVersion();
  return changed.get(entity) ?? NONE;
}
const NONE: ReadonlySet<string> = new Set();
