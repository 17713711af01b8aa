// SPDX-License-Identifier: MIT
// Changes that wait for a person: the reason first, then what waits with it. Only the offending field is marked.
import { App, Button, Modal, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Held, Value } from '../api/types';
import { useI18n } from '../i18n';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import { Edit } from '../value/Edit';
import { Lookup } from '../value/Lookup';
import { Shape } from '../value/Marks';
import { valueText } from '../value/text';
import { heldReason } from './heldReason';
import { Loaded, PageHead } from './Section';
import { useAct } from './useAct';

export default function HeldPage() {
  const i = useI18n();
  const rows = useDesk<Held>('/held');
  return (
    <section>
      <PageHead title={i.t('page.held')} />
      <Loaded query={rows} empty={i.t('held.none')}>{(list) => <div style={{ display: 'grid', gap: 16 }}>{list.map((h) => <One key={h.id} held={h} />)}</div>}</Loaded>
    </section>
  );
}

function One({ held }: { held: Held }) {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const { modal } = App.useApp();
  const [isCorrecting, setCorrecting] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const text = (name: string, v: Value, entity = held.entity) => {
    const f = c.field(entity, name);
    return i.value(f ? valueText(c, i, f, v) : String(v ?? ''));
  };
  const discard = () =>
    modal.confirm({
      title: i.t('held.discard'),
      content: i.t('confirm.discard', { rec: held.title }),
      okText: i.t('term.discard'),
      cancelText: i.t('ui.cancel'),
      onOk: async () => void (await act(() => api.post(`/held/${held.id}/discard`))),
    });
  return (
    <article className="fb-card" style={{ borderLeft: '4px solid var(--fb-held-mark)' }}>
      <div className="fb-bar" style={{ marginBottom: 4 }}>
        <Shape state="held" />
        <h2 style={{ margin: 0 }}>{c.entity(held.entity) ? <Link to={recordPath(held.entity, held.row_id)}>{held.title || i.label(c.entity(held.entity))}</Link> : held.title}</h2>
        <span className="fb-quiet">{i.t('held.of', { who: held.who || '–', t: i.when(held.held_at ?? held.at) })}</span>
      </div>
      <p><strong>{heldReason(c, i, held)}</strong></p>
      {held.settlers && held.settlers.length > 0 && <p className="fb-quiet">{i.t('held.settlers', { who: held.settlers.join(i.lang === 'zh' ? '、' : ', ') })}</p>}
      {held.asked && <p className="fb-quiet">{i.t('held.was_asked', { who: held.asked })}</p>}
      <table className="fb-three" style={{ marginBottom: 12 }}>
        <thead><tr><th>{i.t('list.field')}</th><th>{i.t('conf.now')}</th><th>{i.t('held.wanted')}</th></tr></thead>
        <tbody>
          {held.fields.map((f) => (
            <tr key={f.field} style={f.field === held.field || f.is_reason ? { background: 'var(--fb-held-tint)' } : undefined}>
              <td>{i.label(c.field(f.entity ?? held.entity, f.field)) || f.field}{(f.field === held.field || f.is_reason) && <span className="fb-quiet"> ← {i.t('held.reason')}</span>}</td>
              <td>{text(f.field, f.old, f.entity)}</td>
              <td>{text(f.field, f.new, f.entity)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Space wrap>
        <Button type="primary" onClick={() => setCorrecting(true)}>{i.t('held.correct')}</Button>
        <Button onClick={() => setAsking(true)}>{i.t('held.ask')}</Button>
        <Button onClick={() => void act(() => api.post(`/held/${held.id}/retry`), i.t('held.retried'))}>{i.t('held.retry')}</Button>
        <Button danger onClick={discard}>{i.t('term.discard')}</Button>
      </Space>
      {isCorrecting && <Correct held={held} onClose={() => setCorrecting(false)} />}
      {isAsking && <Ask held={held} onClose={() => setAsking(false)} />}
    </article>
  );
}

function Correct({ held, onClose }: { held: Held; onClose: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const [values, setValues] = useState<Record<string, Value>>(() => Object.fromEntries(held.fields.map((f) => [f.field, f.new])));
  return (
    <Modal open title={i.t('held.correct_of', { rec: held.title })} okText={i.t('ui.save')} cancelText={i.t('ui.cancel')} onCancel={onClose} onOk={async () => {
      if ((await act(() => api.post(`/held/${held.id}/correct`, { fields: values }), i.t('held.retried'))) !== null) onClose();
    }}>
      <p className="fb-quiet">{heldReason(c, i, held)}</p>
      {held.fields.map((f) => {
        const field = c.field(f.entity ?? held.entity, f.field);
        if (!field) return null;
        const id = `correct-${held.id}-${f.field}`;
        return <div key={f.field} className="fb-field" style={{ marginBottom: 10 }}><label htmlFor={id}>{i.label(field)}</label><Edit id={id} field={field} value={values[f.field]} onChange={(v) => setValues({ ...values, [f.field]: v })} /></div>;
      })}
    </Modal>
  );
}

function Ask({ held, onClose }: { held: Held; onClose: () => void }) {
  const i = useI18n();
  const act = useAct();
  const [who, setWho] = useState<string | null>(null);
  return (
    <Modal open title={i.t('held.ask')} okText={i.t('held.ask')} cancelText={i.t('ui.cancel')} okButtonProps={{ disabled: !who }} onCancel={onClose} onOk={async () => {
      if ((await act(() => api.post(`/held/${held.id}/ask`, { employee_id: who }), i.t('held.asked'))) !== null) onClose();
    }}>
      <p className="fb-quiet">{i.t('held.ask_how')}</p>
      <Lookup target="employee" value={who} onChange={setWho} label={i.t('held.ask')} canCreate={false} autoFocus />
    </Modal>
  );
}
