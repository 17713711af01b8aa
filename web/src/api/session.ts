// SPDX-License-Identifier: MIT
// Who is signed in, the catalogue this person may see, and the state of synchronisation kept fresh by server-sent events.
import { useQuery } from '@tanstack/react-query';
import { createContext, useContext, useEffect } from 'react';
import { Catalogue, namePair, type CatalogueAnswer, type Entity } from '../catalogue/model';
import { hasChosenLanguage, roleLabel, setLanguage, type Labelled } from '../i18n';
import { api, Problem, setCsrf, tellLost } from './client';
import { EVERYTHING, hint } from './hints';
import { client, getList } from './queries';
import type { Acts, RecordAnswer, Session, Sync, SyncState } from './types';

export async function loadSession(): Promise<Session | null> {
  try {
    const session = await api.get<Session>('/session');
    setCsrf(session.csrf);
    if (!hasChosenLanguage() && session.user.language) setLanguage(session.user.language.startsWith('zh') ? 'zh' : 'en', false);
    return session;
  } catch (err) {
    if (err instanceof Problem && (err.status === 401 || err.status === 403) && err.code !== 'not_opened') return null;
    throw err;
  }
}

export const useSessionQuery = () => useQuery({ queryKey: ['session'], queryFn: loadSession, staleTime: Infinity, retry: (n, err) => n < 2 && !(err instanceof Problem && err.code === 'not_opened') });

export const useCatalogueQuery = (isOn: boolean) =>
  useQuery({
    queryKey: ['catalogue'],
    queryFn: async () => new Catalogue(await api.get<CatalogueAnswer>('/catalogue')),
    staleTime: Infinity,
    enabled: isOn,
  });

const TITLES_MAX = 200;

/* Names of what has one in each language, shipped roles among them; a list too long to hold keeps the node's titles. */
export const useTitlesQuery = (c: Catalogue | undefined, isOn: boolean) =>
  useQuery({
    queryKey: ['rows', 'titles', c?.version],
    queryFn: async () => {
      const named = (e: Entity, fields: string[]) => getList(e.name, { fields, limit: TITLES_MAX }).then((l) => (l.next === null ? l.rows : []), () => []);
      const lists = c!.bilingual().map(async (e): Promise<[string, Labelled][]> => {
        const [zh, en] = namePair(e)!;
        return (await named(e, [zh, en])).map((r) => [r.id, { zh: String(r[zh] || r[en] || ''), en: String(r[en] || r[zh] || '') }]);
      });
      const role = c!.entity('role');
      const roles = role ? named(role, ['name']).then((rows) => rows.map((r): [string, Labelled] => [r.id, roleLabel(String(r.name))])) : [];
      return new Map((await Promise.all([...lists, roles])).flat());
    },
    staleTime: 300_000,
    enabled: isOn && c !== undefined,
  });

const SessionContext = createContext<Session | null>(null);
const CatalogueContext = createContext<Catalogue | null>(null);
export const SessionProvider = SessionContext.Provider;
export const CatalogueProvider = CatalogueContext.Provider;

export function useSession(): Session {
  const s = useContext(SessionContext);
  if (!s) throw new Error('no session above this page');
  return s;
}

export function useCatalogue(): Catalogue {
  const c = useContext(CatalogueContext);
  if (!c) throw new Error('no catalogue above this page');
  return c;
}

/* A right that was not sent is not there; a node that sends no table of rights leaves the judging to its answers. */
export function may(session: Session, entity: string, action: 'create' | 'edit' | 'delete' | 'export' | 'assign'): boolean {
  if (session.is_admin || !session.rights) return true;
  const right = session.rights[entity]?.[action];
  return right !== undefined && right !== 'none';
}

/* The same of one record: the entity's rights say how far they reach, its answer whether as far as here. */
export const mayRecord = (session: Session, entity: string, record: Pick<RecordAnswer, 'may'>, action: keyof Acts): boolean => may(session, entity, action) && record.may?.[action] !== false;

export const useSync = () => useQuery({ queryKey: ['sync'], queryFn: () => api.get<Sync>('/sync'), staleTime: Infinity, refetchInterval: 60_000 });

/* What a save ends with: on a laptop that hears from headquarters nothing more is to be awaited. Other states do not tell. */
const IN_TOUCH: SyncState[] = ['in_step', 'running', 'waiting', 'first_download'];
export function useSavedKey(): 'form.saved' | 'form.saved_offline' {
  const { node } = useSession();
  const { data } = useSync();
  return node === 'replica' && !(data && IN_TOUCH.includes(data.state)) ? 'form.saved_offline' : 'form.saved';
}

interface RecordEvent { entity: string; ids: string[]; by: 'sync' | 'this' | 'other' }

const AGAIN_AFTER_MS = 3000;

/* One stream per page. Synchronisation's state goes straight into the cache; changed records are only offered. A stream
   that the browser gave up (a node that started anew answers before it is ready, or wants a new login) is opened again. */
export function useEvents(isOn: boolean): void {
  useEffect(() => {
    if (!isOn || typeof EventSource === 'undefined') return undefined;
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLost = false;
    const connect = () => {
      source = new EventSource('/api/v1/events?topics=sync,record,conflict,held,device');
      source.addEventListener('open', () => {
        tellLost(false);
        if (!isLost) return;
        isLost = false;
        void client.invalidateQueries({ queryKey: ['sync'] });
        hint(EVERYTHING);
      });
      source.addEventListener('error', () => {
        if (source.readyState === EventSource.OPEN) return;
        isLost = true;
        tellLost(true);
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(again, AGAIN_AFTER_MS);
      });
      source.addEventListener('sync', (e) => client.setQueryData(['sync'], JSON.parse((e as MessageEvent<string>).data)));
      source.addEventListener('record', (e) => {
        const event = JSON.parse((e as MessageEvent<string>).data) as RecordEvent;
        if (event.by !== 'this') hint(event.entity);
      });
      source.addEventListener('reset', () => {
        hint(EVERYTHING);
        void client.invalidateQueries({ queryKey: ['sync'] });
      });
      for (const topic of ['conflict', 'held', 'device']) {
        source.addEventListener(topic, () => void client.invalidateQueries({ queryKey: ['desk'] }));
      }
    };
    // A login that ended is told by its answer; otherwise the stream goes on.
    const again = () => void api.get('/sync').then(connect, (err) => {
      if (!(err instanceof Problem) || err.status !== 401) timer = setTimeout(again, AGAIN_AFTER_MS);
    });
    connect();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [isOn]);
}
