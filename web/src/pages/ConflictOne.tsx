// SPDX-License-Identifier: MIT
import { App, Button, Input, Radio, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useRecord } from '../api/queries';
import { useCatalogue, useSession } from '../api/session';
import type { Conflict, Value } from '../api/types';
import { isSame } from '../form/state';
import { useI18n, type Key } from '../i18n';
import { dateTime } from '../i18n/format';
import { zh } from '../i18n/zh';
import { useKeys } from '../lib/keys';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import { Edit } from '../value/Edit';
import { valueText } from '../value/text';
import { Merge, useMayMerge } from './Duplicates';
import { useSentence } from './Receipts';
import { PageHead } from './Section';
import { useAct } from './useAct';

type Keep = 'base' | 'theirs' | 'mine' | 'value';

export function ConflictOne({ conflict: x, at, count, onShow, onClose }: { conflict: Conflict; at: number; count: number; onShow: (n: number) => void; onClose: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const act = useAct();
  const { message } = App.useApp();
  const canRule = session.node === 'server';
  const [keep, setKeep] = useState<Keep | null>(null);
  const [other, setOther] = useState<Record<string, Value>>(() => ({ ...x.theirs }));
  const [note, setNote] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [isMerging, setMerging] = useState(false);
  const text = (name: string, v: Value | undefined) => {
    if (x.is_private) return i.t('conf.private');
    const f = c.field(x.entity, name);
    return i.value(f && v !== undefined ? valueText(c, i, f, v, x.references) : String(v ?? ''));
  };
  const send = async (body: Record<string, unknown>) => {
    setBusy(true);
    const answer = await act(() => api.post<{ done: number; failed: { detail?: string }[] }>('/conflicts/rule', { ids: [x.id], note: note.trim() || undefined, ...body }));
    setBusy(false);
    if (!answer) return;
    if (answer.failed && answer.failed.length > 0) return void message.warning(answer.failed[0]?.detail || i.t('problem.other'));
    void message.success(i.t('conf.ruled_n', { n: 1 }));
    return at + 1 < count ? onShow(at + 1) : onClose();
  };
  const rule = () => keep && !isBusy && void send(keep === 'value' ? { value: Object.fromEntries(x.fields.map((f) => [f, other[f] ?? null])) } : { keep });
  useKeys({ '1': () => setKeep('base'), '2': () => setKeep('theirs'), '3': () => setKeep('mine'), '4': () => !x.is_private && setKeep('value'), n: () => onShow((at + 1) % count), 'ctrl+Enter': rule, Escape: onClose });
  const pick = (value: Keep, label: string) => (canRule ? <Radio value={value} checked={keep === value} onChange={() => setKeep(value)} name="keep">{label}</Radio> : label);
  const outcome = (kept: string | undefined) => { const f = c.field('conflict', 'outcome'); return (f && kept && i.label(c.choice(f, kept))) || ''; };
  const columns: { keep: Keep; label: string; values: Record<string, Value>; who?: string; when?: string; arrived?: string }[] = [
    { keep: 'base', label: i.t('conf.original'), values: x.base ?? {} },
    { keep: 'theirs', label: i.t('conf.hq'), values: x.theirs ?? {}, who: x.theirs_who, when: x.theirs_at, arrived: x.theirs_at },
    { keep: 'mine', label: x.mine_who ? i.t('conf.laptop_of', { who: x.mine_who }) : i.t('conf.laptop'), values: x.mine ?? {}, who: x.mine_who, when: x.mine_at, arrived: x.arrived_at },
  ];
  // What the record says at the moment: one of the three, or what somebody wrote since.
  const now = useRecord(x.entity, x.row_id, !x.is_private && c.entity(x.entity) !== undefined);
  const stands = now.data && columns.find((k) => x.fields.every((f) => isSame(k.values[f] ?? null, now.data.row[f] ?? null)))?.keep;
  const policy = x.policy && `rule.${x.policy}` in zh ? i.t(`rule.${x.policy}` as Key) : '';
  const time = (iso: string | undefined) => (iso ? <span title={dateTime(new Date(iso))}>{i.when(iso)}</span> : '–');
  return (
    <section>
      <PageHead title={i.t('page.conflicts')}>
        <span className="fb-quiet">{i.t('conf.n_of', { a: at + 1, b: count })}</span>
        <Button disabled={at === 0} onClick={() => onShow(at - 1)}>{i.t('key.before')}</Button>
        <Button disabled={at + 1 >= count} onClick={() => onShow(at + 1)}>{i.t('key.after')}</Button>
        <Button onClick={onClose}>{i.t('conf.all')}</Button>
      </PageHead>
      <div className="fb-card">
        <h2>{c.entity(x.entity) && !x.is_private ? <Link to={recordPath(x.entity, x.row_id)}>{x.title || i.label(c.entity(x.entity))}</Link> : x.title || i.label(c.entity(x.entity))}</h2>
        <div style={{ overflowX: 'auto' }} tabIndex={0} role="group" aria-label={i.t('conf.three')}>
          <table className="fb-three">
            <thead><tr><th style={{ width: 120 }}> </th>{columns.map((k) => <th key={k.keep} scope="col">{pick(k.keep, k.label)}{stands === k.keep && <span className="fb-chip" style={{ marginInlineStart: 8 }}>{i.t('conf.stands')}</span>}</th>)}</tr></thead>
            <tbody>
              {x.fields.map((f) => (
                <tr key={f}>
                  <th scope="row">{i.label(c.field(x.entity, f)) || f}</th>
                  {columns.map((k) => <td key={k.keep}><strong className="fb-long">{text(f, k.values[f] ?? null)}</strong></td>)}
                </tr>
              ))}
              <tr><th scope="row">{i.t('audit.who')}</th>{columns.map((k) => <td key={k.keep}>{k.who || '–'}</td>)}</tr>
              <tr><th scope="row">{i.t('audit.made')}</th>{columns.map((k) => <td key={k.keep}>{time(k.when)}</td>)}</tr>
              <tr><th scope="row">{i.t('audit.arrived')}</th>{columns.map((k) => <td key={k.keep}>{time(k.arrived)}</td>)}</tr>
            </tbody>
          </table>
        </div>
        {policy && <p className="fb-quiet" style={{ marginTop: 8 }}>{i.t('conf.by_rule', { rule: policy })}</p>}
        <Said conflict={x} onMerge={() => setMerging(true)} />
        {isMerging && x.pair && <Merge pair={{ id: '', ...x.pair }} onClose={() => setMerging(false)} />}
        {x.ruling && <p>{i.t('conf.ruled_by', { who: x.ruling.who || '–', t: i.when(x.ruling.at) })} {outcome(x.ruling.keep)}{x.ruling.note && ` ${x.ruling.note}`}</p>}
        {canRule ? (
          <>
            {!x.is_private && <p><Radio value="value" checked={keep === 'value'} onChange={() => setKeep('value')} name="keep">{i.t('conf.other')}</Radio></p>}
            {keep === 'value' && x.fields.map((f) => {
              const field = c.field(x.entity, f);
              return field && <div key={f} className="fb-field" style={{ maxWidth: 480, marginBottom: 8 }}><label htmlFor={`other-${f}`}>{i.label(field)}</label><Edit id={`other-${f}`} field={field} value={other[f]} onChange={(v) => setOther({ ...other, [f]: v })} /></div>;
            })}
            <div className="fb-field" style={{ maxWidth: 480, margin: '8px 0 12px' }}>
              <label htmlFor="ruling-note">{i.t('conf.note')}</label>
              <Input.TextArea id="ruling-note" autoSize={{ minRows: 1, maxRows: 4 }} value={note} onChange={(e) => setNote(e.target.value)} />
            </div>
            <Space>
              {x.ruling && <Button onClick={() => void send({ keep: 'undo' })}>{i.t('conf.take_back')}</Button>}
              <Button disabled={count < 2} onClick={() => onShow((at + 1) % count)}>{i.t('conf.skip')}</Button>
              <Button type="primary" disabled={!keep} loading={isBusy} onClick={rule}>{x.ruling || x.outcome === 'auto' ? i.t('conf.overrule') : i.t('conf.rule_next')}</Button>
            </Space>
          </>
        ) : <p className="fb-quiet">{i.t('conf.hq_decides')}</p>}
      </div>
    </section>
  );
}

/* What became of one's own edit; of a lead that two people processed, that what each made can become one. */
function Said({ conflict: x, onMerge }: { conflict: Conflict; onMerge: () => void }) {
  const i = useI18n();
  const session = useSession();
  const sentence = useSentence();
  const mayMerge = useMayMerge();
  const isMine = x.mine_who === session.user.name;
  if (!x.code || (!isMine && x.code !== 'lead_twice')) return null;
  return (
    <p>
      {isMine ? sentence(x) : i.t('conf.lead_twice', { who: x.theirs_who ?? '–', me: x.mine_who ?? '–' })}{' '}
      {x.pair && mayMerge && <Button size="small" onClick={onMerge}>{i.t('term.merge')}</Button>}
    </p>
  );
}
