// SPDX-License-Identifier: MIT
// Merge rules by entity and field, in words; a draft is rehearsed on the conflicts of the last 90 days before it is used.
import { App, Button, Select, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Policy } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { zh } from '../i18n/zh';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

interface Rehearsed { conflicts: number; differ: number; asking: number; rows: { id: string; entity: string; field: string; title: string; now: string; then: string }[] }
const ALL = ['latest', 'server', 'owner', 'once', 'sum', 'max', 'min', 'any', 'union', 'text', 'progress', 'manual'];

export default function Rules() {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const { modal } = App.useApp();
  const rows = useDesk<Policy>('/policies');
  const [entity, setEntity] = useState('company');
  const [draft, setDraft] = useState<Record<string, string>>({});
  const [seen, setSeen] = useState<Rehearsed | null>(null);
  const word = (rule: string) => (`rule.${rule}` in zh ? i.t(`rule.${rule}` as Key) : rule);
  const end = (word: string) => (`rule.to_${word}` in zh ? i.t(`rule.to_${word}` as Key) : word);
  // Fields of one group are decided together: the others of it.
  const together = (list: Policy[], p: Policy) =>
    list.filter((o) => o.entity === p.entity && o.group === p.group && o.field !== p.field && p.group).map((o) => i.label(c.field(o.entity, o.field))).filter(Boolean).join(i.lang === 'zh' ? '、' : ', ');
  const changes = Object.entries(draft).map(([key, rule]) => ({ entity: key.split('.')[0], field: key.split('.')[1], rule }));
  const entities = [...new Set((rows.data ?? []).map((p) => p.entity))].filter((n) => c.entity(n));
  return (
    <section>
      <PageHead title={i.t('page.rules')}>
        <Select aria-label={i.t('bin.kind')} style={{ width: 180 }} showSearch={{ optionFilterProp: 'label' }} value={entity} onChange={setEntity} options={(entities.length > 0 ? entities : [entity]).map((n) => ({ value: n, label: i.label(c.entity(n)) }))} />
      </PageHead>
      <div className="fb-columns">
        <div>
          <Card>
            <Loaded query={rows} empty={i.t('ui.none')}>
              {(list) => (
                <table className="fb-three">
                  <thead><tr><th>{i.t('list.field')}</th><th>{i.t('rule.now')}</th><th>{i.t('terr.draft')}</th></tr></thead>
                  <tbody>
                    {list.filter((p) => p.entity === entity).map((p) => {
                      const key = `${p.entity}.${p.field}`;
                      return (
                        <tr key={key}>
                          <th scope="row">{i.label(c.field(p.entity, p.field)) || p.field}{together(list, p) && <span className="fb-quiet"> · {i.t('rule.together', { fields: together(list, p) })}</span>}</th>
                          <td>{word(p.now)}</td>
                          <td>
                            <Select size="small" style={{ width: 160 }} aria-label={`${i.label(c.field(p.entity, p.field))} ${i.t('terr.draft')}`} value={draft[key] ?? p.now} options={(p.allowed ?? ALL).map((r) => ({ value: r, label: word(r) }))} onChange={(r: string) => { setSeen(null); setDraft((d) => (r === p.now ? Object.fromEntries(Object.entries(d).filter(([k]) => k !== key)) : { ...d, [key]: r })); }} />
                          </td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              )}
            </Loaded>
          </Card>
        </div>
        <div>
          <Card title={i.t('rule.rehearsal')}>
            <p className="fb-quiet">{i.t('rule.rehearsal_text')}</p>
            {seen && seen.conflicts === 0 && <p>{i.t('rule.none')}</p>}
            {seen && seen.conflicts > 0 && <p>{i.t('rule.result', { n: seen.conflicts, m: seen.differ })} {seen.asking > 0 && i.t('rule.asks', { n: seen.asking })}</p>}
            {seen && seen.rows.length > 0 && <ul className="fb-rows">{seen.rows.slice(0, 20).map((r) => <li key={`${r.id}.${r.field}`} style={{ flexWrap: 'wrap' }}><span className="fb-grow">{r.title} <span className="fb-quiet">{i.label(c.field(r.entity, r.field)) || r.field}</span></span><span><s>{end(r.now)}</s> → {end(r.then)}</span></li>)}</ul>}
            <Space wrap>
              <Button type="primary" disabled={changes.length === 0} onClick={() => void act(() => api.post<Rehearsed>('/policies/rehearse', { changes, days: 90 })).then((s) => s && setSeen(s))}>{i.t('terr.rehearse')}</Button>
              <Button disabled={changes.length === 0} onClick={() => modal.confirm({ title: i.t('rule.use'), content: i.t('rule.use_text', { n: changes.length }), okText: i.t('rule.use'), cancelText: i.t('ui.cancel'), onOk: async () => { if ((await act(() => api.post('/policies', { changes }))) !== null) setDraft({}); } })}>{i.t('rule.use')}</Button>
              <Button type="text" disabled={changes.length === 0} onClick={() => { setDraft({}); setSeen(null); }}>{i.t('term.discard')}</Button>
            </Space>
          </Card>
        </div>
      </div>
    </section>
  );
}
