// SPDX-License-Identifier: MIT
// Territories and the rehearsal of a realignment: per laptop what leaves, what arrives, what is not sent yet. The
// territories, their members and rules are ordinary records; the draft is what differs from them.
import { App, Button, Select, Space, Table } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useList } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Row } from '../api/types';
import { useI18n } from '../i18n';
import { isoDate } from '../i18n/format';
import { Link } from '../lib/Link';
import { listPath, navigate, recordPath } from '../lib/router';
import { rowTitle } from '../list/Table';
import { valueText } from '../value/text';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

interface Rehearsal {
  id?: string; companies?: number; deals?: number; gaps?: number; overlaps?: number;
  laptops?: { device: string; person?: string; leaves: number; arrives: number; rows?: number; bytes?: number; unsent?: number }[];
}
interface Change { rule_id: string; territory_id: string }

export default function Territories() {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const { modal } = App.useApp();
  const territory = c.entity('territory');
  const rule = c.entity('territory_rule');
  const rows = useList('territory', { limit: 200 }, territory !== undefined);
  const rules = useList('territory_rule', { limit: 200 }, rule !== undefined);
  const [draft, setDraft] = useState<Change[]>([]);
  const [seen, setSeen] = useState<Rehearsal | null>(null);
  if (!territory) return <PageHead title={i.t('page.territories')} />;
  const names = (rows.data?.rows ?? []).map((r) => ({ value: r.id, label: rowTitle(territory, r) }));
  const ruleText = (r: Row) => { const f = rule!.fields.find((x) => x.name === 'filter'); return f ? valueText(c, i, f, r.filter, rules.data?.references, r) : ''; };
  const rehearse = async () => setSeen(await act(() => api.post<Rehearsal>('/territories/rehearse', { changes: draft })));
  const apply = () =>
    modal.confirm({
      title: i.t('terr.start'),
      content: i.t('confirm.realign', { d: isoDate(new Date()), n: seen?.companies ?? 0, m: seen?.laptops?.length ?? 0 }),
      okText: i.t('terr.start'), cancelText: i.t('ui.cancel'),
      onOk: async () => { if ((await act(() => api.post('/territories/apply', { changes: draft, id: seen?.id }))) !== null) { setDraft([]); setSeen(null); } },
    });
  return (
    <section>
      <PageHead title={i.t('page.territories')}>{rule && <Button onClick={() => navigate('/e/territory_rule/new')}>{i.t('ui.new_of', { ent: i.inside(rule) })}</Button>}<Button type="primary" onClick={() => navigate('/e/territory/new')}>{i.t('ui.new_of', { ent: i.inside(territory) })}</Button></PageHead>
      <div className="fb-columns">
        <div>
          <Card title={i.label(c.plural(territory))} extra={<Link to={listPath('territory')}>{i.t('rec.all')}</Link>}>
            <Loaded query={{ ...rows, data: rows.data?.rows } as never} empty={i.t('terr.none')}>
              {(list: { id: string }[]) => <ul className="fb-rows">{list.map((r) => <li key={r.id}><Link to={recordPath('territory', r.id)}>{rowTitle(territory, r as never)}</Link></li>)}</ul>}
            </Loaded>
          </Card>
          {seen && (
            <Card title={i.t('terr.preview')}>
              <p>{i.t('terr.moves', { n: seen.companies ?? 0, m: seen.deals ?? 0 })} {i.t('terr.gaps', { a: seen.gaps ?? 0, b: seen.overlaps ?? 0 })}</p>
              <Table size="small" pagination={false} rowKey="device" dataSource={seen.laptops ?? []} columns={[
                { title: i.t('dev.laptop'), dataIndex: 'device' }, { title: i.t('dev.person'), dataIndex: 'person' },
                { title: i.t('terr.leaves'), dataIndex: 'leaves', align: 'right' }, { title: i.t('terr.arrives'), dataIndex: 'arrives', align: 'right' }, { title: i.t('terr.unsent'), dataIndex: 'unsent', align: 'right' },
              ]} />
            </Card>
          )}
        </div>
        <div>
          <Card title={i.t('terr.draft')} extra={rule && <Link to={listPath('territory_rule')}>{i.label(c.plural(rule))}</Link>}>
            <Loaded query={{ ...rules, data: rules.data?.rows } as never} empty={i.t('terr.no_rules')}>
              {(list: (Row & { territory_id?: string })[]) => (
                <ul className="fb-rows">
                  {list.map((r) => (
                    <li key={r.id}>
                      <span className="fb-grow" style={{ whiteSpace: 'normal' }}><Link to={recordPath('territory_rule', r.id)}>{rule && (ruleText(r) || rowTitle(rule, r))}</Link></span>
                      <Select size="small" style={{ width: 140 }} aria-label={i.t('terr.goes_to')} value={draft.find((d) => d.rule_id === r.id)?.territory_id ?? r.territory_id} options={names} onChange={(t: string) => { setSeen(null); setDraft([...draft.filter((d) => d.rule_id !== r.id), ...(t === r.territory_id ? [] : [{ rule_id: r.id, territory_id: t }])]); }} />
                    </li>
                  ))}
                </ul>
              )}
            </Loaded>
            <Space style={{ marginTop: 12 }}>
              <Button type="primary" disabled={draft.length === 0} onClick={() => void rehearse()}>{i.t('terr.rehearse')}</Button>
              <Button disabled={!seen} onClick={apply}>{i.t('terr.start')}</Button>
              <Button type="text" disabled={draft.length === 0} onClick={() => { setDraft([]); setSeen(null); }}>{i.t('term.discard')}</Button>
            </Space>
          </Card>
        </div>
      </div>
    </section>
  );
}
