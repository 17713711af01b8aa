// SPDX-License-Identifier: MIT
// The whole form: a new record with its lines, or all fields of one that is there. Ctrl+S saves; what was typed is kept
// as a draft until it is saved or given up.
import { Alert, App, Button, Space } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, Problem } from '../api/client';
import { wrote } from '../api/queries';
import { useCatalogue, useSavedKey, useSession } from '../api/session';
import type { RecordAnswer, Value } from '../api/types';
import { isReadOnly, type Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { useKeys } from '../lib/keys';
import { problemSentence } from '../lib/problem';
import { rowTitle } from '../list/Table';
import { becomeTab, closeTab, nameTab, recordPath, usePath, useQueryOf } from '../lib/router';
import type { Saving } from '../record/save';
import { checkAll } from './check';
import { useUsual } from './defaults';
import { FormBody } from './FormBody';
import { baseOf, readDraft, startValues, useFormState, type Draft, type Values } from './state';

export function FormPage({ entity }: { entity: Entity }) {
  const i = useI18n();
  const c = useCatalogue();
  const session = useSession();
  const saved = useSavedKey();
  const { message, modal } = App.useApp();
  const path = usePath();
  const mine = `/e/${entity.name}/new`;
  const query = useQueryOf(mine);
  const [given] = useState<Values>(() => {
    try {
      return JSON.parse(new URLSearchParams(query).get('with') ?? '{}') as Values;
    } catch {
      return {};
    }
  });
  const base = useMemo<Values>(() => ({}), []);
  const form = useFormState(session.user.id, entity.name, 'new', base);
  const [draft, setDraft] = useState<Draft | null>(() => readDraft(session.user.id, entity.name, 'new'));
  const [first] = useState(() => startValues(entity.fields, session.user.id, given));
  const start = useUsual(entity, first, form.values);
  const values = { ...start, ...form.values };
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState('');
  const key = useRef(crypto.randomUUID());
  useEffect(() => nameTab(mine, '', form.isDirty), [mine, form.isDirty]);

  const save = async () => {
    const asked = entity.fields.filter((f) => !isReadOnly(f) && !f.server_only);
    const problems = checkAll(asked, values);
    form.setProblems(problems);
    if (Object.keys(problems).length > 0 || isBusy) return;
    setBusy(true);
    setFailure('');
    try {
      const row = Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined && v !== null)) as Record<string, Value>;
      const made = await api.post<RecordAnswer>(`/${entity.name}`, { row }, { 'Idempotency-Key': key.current });
      form.reset();
      wrote(entity.name, made.row.id);
      void message.success(i.t(saved));
      becomeTab(mine, recordPath(entity.name, made.row.id));
    } catch (err) {
      if (err instanceof Problem && Object.keys(err.fields).length > 0) form.setProblems(err.fields);
      else setFailure(problemSentence(i, err));
    } finally {
      setBusy(false);
    }
  };
  const cancel = () => {
    if (!form.isDirty) return closeTab(mine);
    modal.confirm({ title: i.t('form.leave'), content: i.t('form.leave_text'), okText: i.t('form.throw_away'), cancelText: i.t('ui.cancel'), onOk: () => { form.reset(); closeTab(mine); } });
  };
  useKeys({ 'ctrl+s': () => void save(), 'ctrl+Enter': () => void save(), Escape: cancel }, path === mine);
  const inForm = new Set(entity.layout.form.flatMap((s) => s.fields));
  const missing = entity.fields.filter((f) => f.required && !isReadOnly(f) && !inForm.has(f.name) && (first[f.name] ?? null) === null).map((f) => f.name);
  const sections = missing.length > 0 ? [...entity.layout.form, { title_en: '', title_zh: '', fields: missing }] : entity.layout.form;
  return (
    <section>
      <div className="fb-bar">
        <h1>{i.t('ui.new_of', { ent: i.inside(entity) })}</h1>
        <span className="fb-push" />
        <FormButtons isBusy={isBusy} onSave={() => void save()} onCancel={cancel} />
      </div>
      {draft && !form.isDirty && <DraftOffer draft={draft} onTake={() => { form.setMany(draft.mine); setDraft(null); }} onDrop={() => { form.reset(); setDraft(null); }} />}
      {failure && <Alert type="error" role="alert" title={failure} style={{ marginBottom: 12 }} />}
      <div className="fb-card"><FormBody entity={entity} sections={sections} values={values} problems={form.problems} onChange={form.set} focusField={entity.layout.form[0]?.fields.find((n) => !isReadOnly(c.field(entity.name, n) ?? { name: '', type: 'calc', en: '', zh: '' }))} /></div>
    </section>
  );
}

function FormButtons({ isBusy, onSave, onCancel }: { isBusy: boolean; onSave: () => void; onCancel: () => void }) {
  const { t } = useI18n();
  return (
    <Space>
      <Button onClick={onCancel}>{t('ui.cancel')}</Button>
      <Button type="primary" loading={isBusy} onClick={onSave}>{t('ui.save')}</Button>
    </Space>
  );
}

function DraftOffer({ draft, onTake, onDrop }: { draft: Draft; onTake: () => void; onDrop: () => void }) {
  const i = useI18n();
  return (
    <Alert
      type="info"
      style={{ marginBottom: 12 }}
      title={i.t('form.draft', { d: i.when(draft.at) })}
      action={<Space><Button size="small" onClick={onTake}>{i.t('form.draft_take')}</Button><Button size="small" type="text" onClick={onDrop}>{i.t('form.throw_away')}</Button></Space>}
    />
  );
}

/* All fields of a record that is there; shown in the record's page. */
export function EditForm({ entity, record, saving, onDone }: { entity: Entity; record: RecordAnswer; saving: Saving; onDone: () => void }) {
  const i = useI18n();
  const session = useSession();
  const { modal } = App.useApp();
  const id = record.row.id;
  const path = recordPath(entity.name, id);
  const here = usePath();
  // The values the form saw: later arrivals must not change what "base" means.
  const [seen] = useState(record);
  const names = useMemo(() => entity.fields.map((f) => f.name).filter((n) => n in seen.row), [entity, seen]);
  const base = useMemo(() => baseOf(seen.row, names), [seen, names]);
  const form = useFormState(session.user.id, entity.name, id, base);
  const [draft, setDraft] = useState<Draft | null>(() => readDraft(session.user.id, entity.name, id));
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState('');
  useEffect(() => nameTab(path, rowTitle(entity, record.row), form.isDirty), [path, entity, record.row, form.isDirty]);

  const save = async () => {
    if (isBusy) return;
    if (!form.isDirty) return onDone();
    const problems = checkAll(entity.fields.filter((f) => f.name in form.mine), form.mine);
    form.setProblems(problems);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    setFailure('');
    const failed = await saving.patch(Object.fromEntries(Object.keys(form.mine).map((n) => [n, base[n] ?? null])), form.mine);
    setBusy(false);
    if (failed === null) {
      form.reset();
      onDone();
    } else if (failed['']) setFailure(failed[''].detail ?? '');
    else form.setProblems(failed);
  };
  const cancel = () => {
    if (!form.isDirty) return onDone();
    modal.confirm({ title: i.t('form.leave'), content: i.t('form.leave_text'), okText: i.t('form.throw_away'), cancelText: i.t('ui.cancel'), onOk: () => { form.reset(); onDone(); } });
  };
  useKeys({ 'ctrl+s': () => void save(), 'ctrl+Enter': () => void save(), Escape: cancel }, here === path);
  return (
    <section className="fb-card">
      <div className="fb-bar">
        <h2 style={{ margin: 0 }}>{i.t('rec.edit_all')}</h2>
        <span className="fb-push" />
        <FormButtons isBusy={isBusy} onSave={() => void save()} onCancel={cancel} />
      </div>
      {draft && !form.isDirty && <DraftOffer draft={draft} onTake={() => { form.setMany(draft.mine); setDraft(null); }} onDrop={() => { form.reset(); setDraft(null); }} />}
      {failure && <Alert type="error" role="alert" title={failure} style={{ marginBottom: 12 }} />}
      <FormBody entity={entity} sections={entity.layout.form.map((s) => ({ ...s, fields: s.fields.filter((n) => names.includes(n)) }))} values={form.values} refs={seen.references} marks={seen.marks} problems={form.problems} onChange={form.set} prefix="edit" />
    </section>
  );
}
