// SPDX-License-Identifier: MIT
// Who did what: when it was made and when it arrived, from which laptop and by what. Reading it is logged too.
import { Button, DatePicker, Select } from 'antd';
import type dayjs from 'dayjs';
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { useCatalogue } from '../api/session';
import type { HistoryRow } from '../api/types';
import type { Page } from '../api/queries';
import { useI18n } from '../i18n';
import { csv, download } from '../list/csv';
import { HistoryTable } from '../record/Story';
import { Lookup } from '../value/Lookup';
import { problemSentence } from '../lib/problem';
import { Card, PageHead } from './Section';
import { clearing } from '../value/clear';

export default function Audit() {
  const c = useCatalogue();
  const i = useI18n();
  const [who, setWho] = useState<string | null>(null);
  const [entity, setEntity] = useState('');
  const [span, setSpan] = useState<[dayjs.Dayjs | null, dayjs.Dayjs | null] | null>(null);
  const [cursors, setCursors] = useState<string[]>([]);
  const ask = { who, entity, from: span?.[0]?.startOf('day').toISOString(), to: span?.[1]?.endOf('day').toISOString(), cursor: cursors[cursors.length - 1] };
  const page = useQuery({ queryKey: ['desk', '/audit', ask], queryFn: () => api.get<Page<HistoryRow>>('/audit', ask) });
  const rows = page.data?.rows ?? [];
  const save = () =>
    download('audit.csv', csv([[i.t('audit.made'), i.t('audit.arrived'), i.t('audit.who'), i.t('audit.from'), i.t('audit.record'), i.t('audit.what')],
      ...rows.map((r) => [r.made_at, r.arrived_at ?? '', r.who ?? '', r.device ?? '', r.title ?? '', (r.fields ?? []).map((f) => `${i.label(c.field(r.entity ?? '', f.field)) || f.field}: ${String(f.old ?? '')} -> ${String(f.new ?? '')}`).join('; ')])]));
  return (
    <section>
      <PageHead title={i.t('page.audit')}><Button onClick={save} disabled={rows.length === 0}>{i.t('term.export')}</Button></PageHead>
      <div className="fb-chips">
        <Lookup width={150} target="employee" value={who} onChange={(id) => { setWho(id); setCursors([]); }} label={i.t('audit.who')} placeholder={i.t('audit.who')} canCreate={false} />
        <Select aria-label={i.t('bin.kind')} allowClear={clearing()} style={{ width: 160 }} placeholder={i.t('bin.kind')} value={entity || undefined} onChange={(e?: string) => { setEntity(e ?? ''); setCursors([]); }} showSearch={{ optionFilterProp: 'label' }} options={c.entities.map((e) => ({ value: e.name, label: i.label(e) }))} />
        <DatePicker.RangePicker aria-label={i.t('audit.time')} value={span} onChange={(v) => { setSpan(v); setCursors([]); }} />
        <span className="fb-quiet">{i.t('audit.logged')}</span>
      </div>
      <Card>
        {page.isError ? <p>{problemSentence(i, page.error)}</p> : <HistoryTable rows={rows} entityOf={(r) => r.entity ?? ''} withRecord none={i.t('audit.none')} />}
        <div className="fb-bar" style={{ margin: '8px 0 0' }}>
          <Button size="small" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>{i.t('list.before')}</Button>
          <Button size="small" disabled={!page.data?.next} onClick={() => page.data?.next && setCursors([...cursors, page.data.next])}>{i.t('list.next')}</Button>
        </div>
      </Card>
    </section>
  );
}
