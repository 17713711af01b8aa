// SPDX-License-Identifier: MIT
// A node says that something of an entity changed, often not what. What this page shows is then asked for again beside
// it and compared, and only what differs is offered as an update: nothing moves under the user's hands.
import { arrived } from './arrivals';
import { api } from './client';
import { client, deskChanged, getList, type ListAsk } from './queries';
import type { ListAnswer, RecordAnswer, Row } from './types';

export const EVERYTHING = '*';
const WAIT_MS = 400;
const hinted = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

export function hint(entity: string): void {
  hinted.add(entity);
  clearTimeout(timer);
  timer = setTimeout(() => void look(), WAIT_MS);
}

/* Rows that are new, gone or other than before. */
export function differing(old: Row[], now: Row[]): string[] {
  const before = new Map(old.map((r) => [r.id, JSON.stringify(r)]));
  const ids = now.filter((r) => before.get(r.id) !== JSON.stringify(r)).map((r) => r.id);
  const here = new Set(now.map((r) => r.id));
  return [...ids, ...old.filter((r) => !here.has(r.id)).map((r) => r.id)];
}

async function look(): Promise<void> {
  const names = new Set(hinted);
  hinted.clear();
  const isMeant = (entity: unknown) => names.has(EVERYTHING) || names.has(String(entity));
  const shown = client.getQueryCache().findAll({ type: 'active' }).filter((q) => isMeant(q.queryKey[1]) && q.state.data !== undefined);
  await Promise.all(shown.map(async ({ queryKey: [kind, entity, what, more], state }) => {
    if (kind === 'rows' && typeof what === 'object') {
      const ids = differing((state.data as ListAnswer).rows, (await getList(String(entity), what as ListAsk)).rows);
      if (ids.length > 0) arrived(String(entity), ids);
    } else if (kind === 'record' && more === undefined) {
      const now = await api.get<RecordAnswer>(`/${String(entity)}/${String(what)}`);
      if (now.rev !== (state.data as RecordAnswer).rev) arrived(String(entity), [String(what)]);
    }
  }).map((p) => p.catch(() => undefined))); // a row that left meanwhile is told when it is opened
  await deskChanged();
}
