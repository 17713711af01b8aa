// SPDX-License-Identifier: MIT
// The story of a record: its timeline (all or the important part), its notes, and its history - when each change was
// made, when it arrived, by whom and from which laptop.
import { App, Button, Input, Segmented, Skeleton } from 'antd';
import { useState, type RefObject } from 'react';
import { api } from '../api/client';
import { useHistory, useList, useTimeline, wrote } from '../api/queries';
import { useCatalogue, useSession } from '../api/session';
import type { HistoryField, HistoryRow, Row, Value } from '../api/types';
import type { Entity } from '../catalogue/model';
import { useI18n, type Key } from '../i18n';
import { zh } from '../i18n/zh';
import { dateTime } from '../i18n/format';
import { Link } from '../lib/Link';
import { isComposing } from '../lib/keys';
import { recordPath } from '../lib/router';
import { problemSentence } from '../lib/problem';
import { MarkSign } from '../value/Marks';
import { titleWords, valueText } from '../value/text';

export function Timeline({ entity, id }: { entity: Entity; id: string }) {
  const c = useCatalogue();
  const i = useI18n();
  const [isImportant, setImportant] = useState(false);
  const [cursors, setCursors] = useState<string[]>([]);
  const page = useTimeline(entity.name, id, cursors[cursors.length - 1] ?? null, isImportant);
  const rows = page.data?.rows ?? [];
  return (
    <section className="fb-card">
      <div className="fb-bar" style={{ marginBottom: 4 }}>
        <h2 style={{ margin: 0 }}>{i.t('term.timeline')}</h2>
        <span className="fb-push" />
        <Segmented size="small" aria-label={i.t('term.timeline')} value={isImportant ? 1 : 0} options={[{ value: 0, label: i.t('rec.everything') }, { value: 1, label: i.t('rec.important') }]} onChange={(v) => { setImportant(v === 1); setCursors([]); }} />
      </div>
      {rows.length === 0 && page.isSuccess && <p className="fb-quiet">{i.t('rec.no_timeline')}</p>}
      <ol className="fb-timeline">
        {rows.map((r) => (
          <li key={`${r.kind}-${r.id}-${r.at}`}>
            <time dateTime={r.at} title={r.at ? dateTime(new Date(r.at)) : ''}>{i.when(r.at)}</time>
            <div style={{ minWidth: 0 }}>
              <span className="fb-quiet">{kindText(i, c, r.kind, r.entity)} </span>
              {c.entity(r.entity) && r.entity !== 'note' && !(r.entity === entity.name && r.id === id) ? <Link to={recordPath(r.entity, r.id)}>{titleWords(c, i, r.entity, r.id, r.title) || i.label(c.entity(r.entity))}</Link> : <span>{titleWords(c, i, r.entity, r.id, r.title)}</span>}
              {r.is_unsent && <MarkSign mark="unsent" />}
              {r.who && <span className="fb-quiet"> · {r.who}</span>}
              {r.detail && <div className="fb-quiet fb-long">{r.detail}</div>}
            </div>
          </li>
        ))}
      </ol>
      {(cursors.length > 0 || page.data?.next) && (
        <div className="fb-bar" style={{ margin: '8px 0 0' }}>
          <Button size="small" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>{i.t('list.before')}</Button>
          <Button size="small" disabled={!page.data?.next} onClick={() => page.data?.next && setCursors([...cursors, page.data.next])}>{i.t('list.next')}</Button>
        </div>
      )}
    </section>
  );
}

/* The kind of a timeline row: a choice of the entity's own "kind" field, else our word, else the entity's label. */
export function kindText(i: ReturnType<typeof useI18n>, c: ReturnType<typeof useCatalogue>, kind: string, entity: string): string {
  const field = c.field(entity, 'kind');
  const choice = field ? c.choice(field, kind) : undefined;
  if (choice) return i.label(choice);
  const key = `kind.${kind}`;
  return key in zh ? i.t(key as Key) : i.label(c.entity(entity) ?? c.entity(kind)) || kind;
}

const NOTE_ROWS = { minRows: 2, maxRows: 8 }; // measured only once something is typed

export function Notes({ entity, id, box }: { entity: Entity; id: string; box?: RefObject<HTMLTextAreaElement | null> }) {
  const i = useI18n();
  const session = useSession();
  const { message } = App.useApp();
  const [text, setText] = useState('');
  const [isBusy, setBusy] = useState(false);
  const list = useList('note', { filter: [['record_id', '=', id]], sort: '-created_at', limit: 20 });
  const add = async () => {
    if (!text.trim() || isBusy) return;
    setBusy(true);
    try {
      await api.post('/note', { row: { entity: entity.name, record_id: id, body: text.trim(), by_id: session.user.id, pinned: false, private: false } });
      setText('');
      wrote('note');
      wrote(entity.name, id);
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
    setBusy(false);
  };
  const rows: Row[] = [...(list.data?.rows ?? [])].sort((a, b) => Number(b.pinned === true) - Number(a.pinned === true));
  const names = list.data?.references.employee ?? {};
  const who = (r: Row) => {
    const t = names[String(r.by_id)];
    return typeof t === 'string' ? t : (t?.title ?? '');
  };
  return (
    <section className="fb-card fb-notes">
      <h2>{i.t('rec.notes')}</h2>
      <Input.TextArea ref={box as never} rows={2} style={{ resize: 'none' }} autoSize={text !== '' && NOTE_ROWS} value={text} aria-label={i.t('rec.note_hint')} placeholder={i.t('rec.note_hint')} onChange={(e) => setText(e.target.value)} onKeyDown={(e) => { if (e.ctrlKey && e.key === 'Enter' && !isComposing(e)) void add(); }} />
      {text.trim() && <Button style={{ marginTop: 6 }} loading={isBusy} onClick={() => void add()}>{i.t('rec.note_add')}</Button>}
      <div style={{ marginTop: 12 }}>
        {rows.map((r) => (
          <div key={r.id} className="fb-note">
            <div className="fb-long">{String(r.body ?? '')}{r._mark && <MarkSign mark={r._mark} />}</div>
            <div className="fb-quiet">{who(r)} · {i.when(r.created_at as string)}</div>
          </div>
        ))}
      </div>
    </section>
  );
}

export function History({ entity, id }: { entity: Entity; id: string }) {
  const i = useI18n();
  const session = useSession();
  const [cursors, setCursors] = useState<string[]>([]);
  const page = useHistory(entity.name, id, cursors[cursors.length - 1] ?? null);
  if (page.isPending) return <Skeleton active title={false} />;
  if (page.isError) return <p className="fb-quiet">{problemSentence(i, page.error)}</p>;
  return (
    <section>
      <HistoryTable rows={page.data?.rows ?? []} entityOf={() => entity.name} none={i.t(session.node === 'replica' ? 'rec.history_hq' : 'audit.none')} />
      {(cursors.length > 0 || page.data?.next) && (
        <div className="fb-bar" style={{ marginTop: 8 }}>
          <Button size="small" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>{i.t('list.before')}</Button>
          <Button size="small" disabled={!page.data?.next} onClick={() => page.data?.next && setCursors([...cursors, page.data.next])}>{i.t('list.next')}</Button>
        </div>
      )}
    </section>
  );
}

const KINDS = new Set(['made', 'deleted', 'restored']);
const SOURCES = new Set(['page', 'laptop', 'tool', 'unsent', 'sending', 'form', 'import', 'rule', 'external', 'sync', 'api', 'ruling', 'merge', 'restore', 'command']);

export function HistoryTable({ rows, entityOf, withRecord, none }: { rows: HistoryRow[]; entityOf: (r: HistoryRow) => string; withRecord?: boolean; none: string }) {
  const c = useCatalogue();
  const i = useI18n();
  if (rows.length === 0) return <p className="fb-quiet">{none}</p>;
  const one = (entity: string, f: HistoryField, v: Value) => {
    const field = c.field(entity, f.field);
    if (field?.type === 'json' && v !== null && v !== undefined) return '…'; // how programs keep it
    return i.value(field ? valueText(c, i, field, v) : v === null || v === undefined ? '' : String(v));
  };
  return (
    <table className="fb-three">
      <thead>
        <tr><th>{i.t('audit.made')}</th><th>{i.t('audit.arrived')}</th><th>{i.t('audit.who')}</th><th>{i.t('audit.from')}</th>{withRecord && <th>{i.t('audit.record')}</th>}<th>{i.t('audit.what')}</th></tr>
      </thead>
      <tbody>
        {rows.map((r, n) => (
          <tr key={n}>
            <td className="fb-when" title={r.made_at ? dateTime(new Date(r.made_at)) : ''}>{i.when(r.made_at)}</td>
            <td className="fb-when" title={r.arrived_at ? dateTime(new Date(r.arrived_at)) : ''}>{i.when(r.arrived_at) || '–'}</td>
            <td>{r.who || '–'}</td>
            <td>{[r.device, r.source && (SOURCES.has(r.source) ? i.t(`source.${r.source}` as Key) : r.source)].filter(Boolean).join(' · ') || '–'}</td>
            {withRecord && <td><span className="fb-quiet">{i.label(c.entity(r.entity ?? ''))} </span>{r.entity && r.id && c.entity(r.entity) ? <Link to={recordPath(r.entity, r.id)}>{titleWords(c, i, r.entity, r.id, r.title) || r.id.slice(0, 8)}</Link> : (r.title ?? '')}</td>}
            <td>
              {r.kind && r.kind !== 'changed' && KINDS.has(r.kind) && <div>{i.t(`audit.${r.kind}_it` as Key)}</div>}
              {(r.fields ?? []).map((f) => (
                <div key={f.field}>
                  <span className="fb-quiet">{i.label(c.field(entityOf(r), f.field)) || f.field}{i.lang === 'zh' ? '：' : ': '}</span>
                  {f.old !== undefined && f.old !== null && <><s>{one(entityOf(r), f, f.old)}</s> → </>}
                  {one(entityOf(r), f, f.new)}
                </div>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
