// SPDX-License-Identifier: MIT
// What a form holds: the values it saw (base), those typed (only fields that changed), errors, and a draft in the
// browser per person and record, so that no form is ever lost.
import { useEffect, useMemo, useRef, useState } from 'react';
import type { FieldProblems, Row, Value } from '../api/types';
import type { Field } from '../catalogue/model';

export type Values = Record<string, Value | undefined>;
export interface Draft { at: string; mine: Values }

const key = (user: string, entity: string, id: string) => `fb.draft/${user}/${entity}/${id}`;

export function readDraft(user: string, entity: string, id: string): Draft | null {
  try {
    const draft = JSON.parse(localStorage.getItem(key(user, entity, id)) ?? 'null') as Draft | null;
    return draft && typeof draft.mine === 'object' && Object.keys(draft.mine).length > 0 ? draft : null;
  } catch {
    return null;
  }
}

export function keepDraft(user: string, entity: string, id: string, mine: Values): void {
  if (Object.keys(mine).length === 0) localStorage.removeItem(key(user, entity, id));
  else localStorage.setItem(key(user, entity, id), JSON.stringify({ at: new Date().toISOString(), mine } satisfies Draft));
}

export const dropDraft = (user: string, entity: string, id: string) => localStorage.removeItem(key(user, entity, id));

export function countDrafts(user: string): number {
  return Object.keys(localStorage).filter((k) => k.startsWith(`fb.draft/${user}/`)).length;
}
export function dropDrafts(user: string): void {
  Object.keys(localStorage).filter((k) => k.startsWith(`fb.draft/${user}/`)).forEach((k) => localStorage.removeItem(k));
}

export const isSame = (a: unknown, b: unknown): boolean => (a ?? null) === (b ?? null) || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/* Only what differs from what the form saw. */
export function changedOnly(base: Values, mine: Values): Values {
  return Object.fromEntries(Object.entries(mine).filter(([name, v]) => !isSame(base[name], v)));
}

export interface FormState {
  values: Values;
  mine: Values;
  isDirty: boolean;
  problems: FieldProblems;
  setProblems: (p: FieldProblems) => void;
  set: (name: string, value: Value) => void;
  setMany: (values: Values) => void;
  reset: () => void;
}

const DRAFT_WAIT_MS = 400;

export function useFormState(user: string, entity: string, id: string, base: Values): FormState {
  const [mine, setMine] = useState<Values>({});
  const [problems, setProblems] = useState<FieldProblems>({});
  const changed = useMemo(() => changedOnly(base, mine), [base, mine]);
  const latest = useRef(changed);
  latest.current = changed;
  const hadSome = useRef(false);
  useEffect(() => {
    const has = Object.keys(changed).length > 0;
    if (!has && !hadSome.current) return undefined;
    hadSome.current = has;
    const timer = setTimeout(() => keepDraft(user, entity, id, latest.current), DRAFT_WAIT_MS);
    return () => clearTimeout(timer);
  }, [changed, user, entity, id]);
  return {
    values: { ...base, ...mine },
    mine: changed,
    isDirty: Object.keys(changed).length > 0,
    problems,
    setProblems,
    set: (name, value) => {
      setMine((m) => ({ ...m, [name]: value }));
      setProblems((p) => (p[name] ? Object.fromEntries(Object.entries(p).filter(([k]) => k !== name)) : p));
    },
    setMany: (values) => setMine((m) => ({ ...m, ...values })),
    reset: () => {
      hadSome.current = false;
      dropDraft(user, entity, id);
      setMine({});
      setProblems({});
    },
  };
}

/* What a new record starts with: the catalogue's defaults, and whom it belongs to. */
export function startValues(fields: Field[], me: string, given: Values = {}): Values {
  const out: Values = {};
  for (const f of fields) {
    if (f.default !== undefined && f.default !== null) {
      out[f.name] = ['money', 'dec', 'qty'].includes(f.type) ? String(f.default) : (f.default as Value);
    } else if (f.type === 'bool' && f.required) out[f.name] = false;
    if (f.target === 'employee' && ['owner_id', 'employee_id', 'by_id'].includes(f.name)) out[f.name] = me;
  }
  return { ...out, ...given };
}

export const baseOf = (row: Row | undefined, names: string[]): Values => Object.fromEntries(names.map((n) => [n, (row?.[n] ?? null) as Value]));
