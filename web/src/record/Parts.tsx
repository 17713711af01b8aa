// SPDX-License-Identifier: MIT
// Lines of a record (quote lines, addresses, telephone numbers), edited in place: a click on a cell, Enter or leaving it
// saves that cell; an empty line at the end makes a new one.
import { DeleteOutlined, PlusOutlined } from '../lib/icons';
import { App, Button } from 'antd';
import { useState } from 'react';
import { api, Problem } from '../api/client';
import { wrote } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { RecordAnswer, References, Row, Value } from '../api/types';
import { isNumber, type Entity, type Field } from '../catalogue/model';
import { checkField, problemText } from '../form/check';
import { useCanEdit } from '../form/FormBody';
import { useQuickCreate } from '../form/quick';
import { isSame } from '../form/state';
import { useI18n } from '../i18n';
import { isComposing } from '../lib/keys';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import { rowTitle } from '../list/Table';
import { problemSentence } from '../lib/problem';
import { Edit } from '../value/Edit';
import { Show } from '../value/Show';

export function Parts({ part, parent, record, mayEdit }: { part: Entity; parent: Entity; record: RecordAnswer; mayEdit: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const { message } = App.useApp();
  const create = useQuickCreate();
  const canEdit = useCanEdit(part.name);
  const rows = record.parts?.[part.name] ?? [];
  const link = part.part_of!.field;
  const fields = c.fields(part.name, part.layout.list.columns).filter((f) => f.name !== link && !f.is_stamp);
  // An entry of a static list leads to its record.
  const listed = c.field(part.name, 'record_id')?.type === 'uuid' ? c.entity(String(record.row.entity)) : undefined;
  const changed = () => wrote(parent.name, record.row.id);
  const add = async () => {
    const last = rows.reduce((n, r) => Math.max(n, Number(r.line_no ?? r.position ?? 0)), 0);
    const no = c.field(part.name, 'line_no') ? { line_no: last + 1 } : c.field(part.name, 'position') ? { position: last + 1 } : {};
    if (await create(part.name, '', { [link]: record.row.id, ...no })) changed();
  };
  const remove = async (row: Row) => {
    try {
      await api.remove(`/${part.name}/${row.id}`, row._rev ? { 'If-Match': `"${row._rev}"` } : {});
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
    changed();
  };
  return (
    <section aria-label={i.label(c.plural(part))}>
      <div className="fb-bar">
        {mayEdit && <Button icon={<PlusOutlined aria-hidden />} onClick={() => void add()}>{i.t('ui.new_of', { ent: i.inside(part) })}</Button>}
      </div>
      {rows.length === 0 ? (
        <p className="fb-quiet">{i.t('rec.none_yet', { ent: i.lang === 'zh' ? part.zh : c.plural(part).en.toLowerCase() })}</p>
      ) : (
        <div style={{ overflowX: 'auto' }} tabIndex={0} role="group" aria-label={i.label(c.plural(part))}>
          <table className="fb-three">
            <thead>
              <tr>{fields.map((f) => <th key={f.name} scope="col" className={isNumber(f) ? 'fb-number' : undefined}>{i.label(f)}</th>)}{mayEdit && <th style={{ width: 40 }}><span className="fb-sr">{i.t('ui.delete')}</span></th>}</tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>
                  {fields.map((f) => listed && f.name === part.title[0] ? <td key={f.name}><Link to={recordPath(listed.name, String(row.record_id))} title={rowTitle(part, row)}>{rowTitle(part, row)}</Link></td> : <Cell key={f.name} part={part} field={f} row={row} refs={record.references} isOpen={mayEdit && canEdit(f)} onSaved={changed} />)}
                  {mayEdit && <td><Button type="text" size="small" icon={<DeleteOutlined />} aria-label={i.t('ui.delete')} onClick={() => void remove(row)} /></td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Cell({ part, field, row, refs, isOpen, onSaved }: { part: Entity; field: Field; row: Row; refs: References; isOpen: boolean; onSaved: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const { message } = App.useApp();
  const [mine, setMine] = useState<Value | undefined>(undefined);
  const [error, setError] = useState('');
  const stored = (row[field.name] ?? null) as Value;
  const save = async (value: Value) => {
    if (isSame(value, stored)) return setMine(undefined);
    const problem = checkField(field, value);
    if (problem) return setError(problemText(c, i, part.name, field.name, problem));
    try {
      await api.patch(`/${part.name}/${row.id}`, { base: { [field.name]: stored }, mine: { [field.name]: value } });
      onSaved();
      setMine(undefined);
    } catch (err) {
      const p = err instanceof Problem ? err.fields[field.name] : undefined;
      if (p) setError(p.detail || problemSentence(i, err));
      else void message.error(problemSentence(i, err));
    }
  };
  if (mine === undefined) {
    return (
      <td className={isNumber(field) ? 'fb-number' : undefined}>
        {isOpen ? (
          <button type="button" className="fb-value-button" style={{ display: 'block' }} aria-label={i.t('rec.edit_field', { f: i.label(field) })} onClick={() => setMine(stored)}>
            <Show field={field} value={stored} refs={refs} row={row} isPlain />
          </button>
        ) : (
          <Show field={field} value={stored} refs={refs} row={row} />
        )}
      </td>
    );
  }
  const isPicked = !['text', 'long', 'int', 'dec', 'qty', 'money'].includes(field.type);
  return (
    <td
      onBlur={(e) => !isPicked && !e.currentTarget.contains(e.relatedTarget) && void save(mine)}
      onKeyDown={(e) => {
        if (isComposing(e)) return;
        if (e.key === 'Escape') { setMine(undefined); setError(''); }
      }}
    >
      <Edit id={`cell-${row.id}-${field.name}`} label={i.label(field)} field={field} value={mine} row={row} refs={refs} autoFocus isInvalid={error !== ''} onChange={(v) => { setError(''); setMine(v); if (isPicked) void save(v); }} onEnter={() => void save(mine)} />
      {error && <div className="fb-error" role="alert">{error}</div>}
    </td>
  );
}
