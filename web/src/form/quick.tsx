// SPDX-License-Identifier: MIT
// Quick create: a panel at the side of the form that asked, few fields, and back to the form with what was made.
import { App, Button, Drawer, Segmented, Space } from 'antd';
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from 'react';
import { api, Problem } from '../api/client';
import { wrote } from '../api/queries';
import { useCatalogue, useSavedKey, useSession } from '../api/session';
import type { RecordAnswer, Value } from '../api/types';
import type { Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { useKeys } from '../lib/keys';
import { navigate, recordPath } from '../lib/router';
import { problemSentence } from '../lib/problem';
import { SIDE_PANEL_WIDTH } from '../theme/tokens';
import { checkAll } from './check';
import { DONE, doneState, doneValues, namesWhenDone } from './done';
import { FormBody, useCanEdit } from './FormBody';
import { useUsual } from './defaults';
import { startValues, useFormState, type Values } from './state';

export interface Made { id: string; title: string }
type Create = (entity: string, typed?: string, given?: Values) => Promise<Made | null>;
const Context = createContext<Create>(() => Promise.resolve(null));
export const useQuickCreate = () => useContext(Context);

interface Open { entity: Entity; typed: string; given: Values; done: (made: Made | null) => void; no: number }

export function QuickCreateProvider({ children }: { children: ReactNode }) {
  const c = useCatalogue();
  const [stack, setStack] = useState<Open[]>([]);
  const no = useRef(0);
  const create = useCallback<Create>(
    (name, typed = '', given = {}) => {
      const entity = c.entity(name);
      if (!entity) return Promise.resolve(null);
      return new Promise((done) => setStack((s) => [...s, { entity, typed, given, done, no: ++no.current }]));
    },
    [c],
  );
  const close = (open: Open, made: Made | null) => {
    setStack((s) => s.filter((o) => o !== open));
    open.done(made);
  };
  return (
    <Context.Provider value={create}>
      {children}
      {stack.map((open) => (
        <QuickPanel key={open.no} open={open} onDone={(made) => close(open, made)} />
      ))}
    </Context.Provider>
  );
}

function firstValues(entity: Entity, typed: string, me: string, given: Values): Values {
  const out = startValues(entity.fields, me, given);
  const title = entity.fields.find((f) => f.name === entity.title[0]);
  if (typed && title?.type === 'text' && out[title.name] === undefined) {
    const second = entity.fields.find((f) => f.name === entity.title[1]);
    // 张伟 into family and given name, where the title has both.
    if (second && /family/.test(title.name) && /^[\u3400-\u9fff]{2,3}$/.test(typed)) {
      out[title.name] = typed.slice(0, 1);
      out[second.name] = typed.slice(1);
    } else out[title.name] = typed;
  }
  return out;
}

function QuickPanel({ open, onDone }: { open: Open; onDone: (made: Made | null) => void }) {
  const i = useI18n();
  const c = useCatalogue();
  const session = useSession();
  const saved = useSavedKey();
  const { message } = App.useApp();
  const { entity } = open;
  const base = useMemo<Values>(() => ({}), []);
  const form = useFormState(session.user.id, entity.name, 'quick', base);
  const [given] = useState(() => firstValues(entity, open.typed, session.user.id, open.given));
  const start = useUsual(entity, given, form.values);
  const [isBusy, setBusy] = useState(false);
  const key = useRef(crypto.randomUUID());
  const [opened] = useState(() => new Date());
  const canEdit = useCanEdit(entity.name);
  const state = doneState(entity);
  const isDone = state !== undefined && (form.values[state.name] ?? start[state.name]) === DONE;
  const quick = entity.layout.quick.length > 0 ? entity.layout.quick : entity.title;
  const names = isDone ? namesWhenDone(entity, quick) : quick;
  // What is required and has no value yet is asked too, or nothing could be saved.
  const missing = entity.fields.filter((f) => f.required && f.type !== 'bool' && f.type !== 'seq' && !names.includes(f.name) && (given[f.name] ?? null) === null).map((f) => f.name);
  const asked = [...names, ...missing];
  // What was typed before a plan became done, or the other way round, and is no longer asked, is not sent.
  const typed = Object.fromEntries(Object.entries(form.values).filter(([n]) => n === state?.name || asked.includes(n)));
  const values = isDone ? doneValues(entity, { ...start, ...typed }, opened) : { ...start, ...typed };
  const [focused] = useState(() => asked.find((n) => (given[n] ?? null) === null) ?? asked[0]);

  const save = async (isOpening: boolean) => {
    const problems = checkAll(c.fields(entity.name, asked), values);
    form.setProblems(problems);
    if (Object.keys(problems).length > 0 || isBusy) return;
    setBusy(true);
    try {
      const row = Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined && v !== null)) as Record<string, Value>;
      const made = await api.post<RecordAnswer>(`/${entity.name}`, { row }, { 'Idempotency-Key': key.current });
      form.reset();
      wrote(entity.name, made.row.id);
      void message.success(i.t(saved));
      onDone({ id: made.row.id, title: made.row._title ?? String(made.row[entity.title[0]!] ?? '') });
      if (isOpening) navigate(recordPath(entity.name, made.row.id));
    } catch (err) {
      if (err instanceof Problem && Object.keys(err.fields).length > 0) form.setProblems(err.fields);
      else void message.error(problemSentence(i, err));
    } finally {
      setBusy(false);
    }
  };
  useKeys({ 'ctrl+s': () => void save(false), 'ctrl+Enter': () => void save(false) });
  const sections = [{ title_en: '', title_zh: '', fields: asked }];
  return (
    <Drawer
      open
      size={SIDE_PANEL_WIDTH}
      title={i.t('ui.new_of', { ent: i.inside(entity) })}
      onClose={() => onDone(null)}
      footer={
        <Space>
          <Button type="primary" loading={isBusy} onClick={() => void save(false)}>{i.t('ui.save')}</Button>
          <Button disabled={isBusy} onClick={() => void save(true)}>{i.t('form.save_open')}</Button>
          <Button type="text" onClick={() => onDone(null)}>{i.t('ui.cancel')}</Button>
        </Space>
      }
    >
      {state && canEdit(state) && (
        <Segmented
          style={{ marginBottom: 12 }}
          aria-label={i.label(state)}
          value={String(values[state.name])}
          options={c.choices(state).filter((o) => o.value === state.default || o.value === DONE).map((o) => ({ value: o.value, label: i.label(o) }))}
          onChange={(v) => form.set(state.name, v)}
        />
      )}
      <FormBody entity={entity} sections={sections} values={values} problems={form.problems} onChange={form.set} columns={1} prefix="quick" focusField={focused} />
    </Drawer>
  );
}
