// SPDX-License-Identifier: MIT
// Deleted records: what went along, by whom, and back again.
import { Button, Select } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useDesk, wrote } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { BinRow } from '../api/types';
import { useI18n } from '../i18n';
import { dateTime } from '../i18n/format';
import { navigate, recordPath } from '../lib/router';
import { titleWords } from '../value/text';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';
import { clearing } from '../value/clear';

export default function Bin() {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const [entity, setEntity] = useState('');
  const rows = useDesk<BinRow>('/bin', { entity });
  const restore = async (r: BinRow) => {
    if ((await act(() => api.post(`/${r.entity}/${r.id}/restore`), i.t('bin.restored', { rec: r.title }))) === null) return;
    wrote(r.entity, r.id);
    navigate(recordPath(r.entity, r.id));
  };
  return (
    <section>
      <PageHead title={i.t('page.bin')}>
        <Select aria-label={i.t('bin.kind')} style={{ width: 180 }} allowClear={clearing()} placeholder={i.t('list.all')} value={entity || undefined} onChange={(e?: string) => setEntity(e ?? '')} showSearch={{ optionFilterProp: 'label' }} options={c.entities.filter((e) => !e.part_of).map((e) => ({ value: e.name, label: i.label(c.plural(e)) }))} />
      </PageHead>
      <Card>
        <Loaded query={rows} empty={i.t('bin.empty')}>
          {(list) => (
            <table className="fb-three">
              <thead><tr><th>{i.t('bin.what')}</th><th>{i.t('bin.kind')}</th><th className="fb-number">{i.t('bin.with')}</th><th>{i.t('audit.who')}</th><th>{i.t('audit.time')}</th><th> </th></tr></thead>
              <tbody>
                {list.map((r) => (
                  <tr key={`${r.entity}-${r.id}`}>
                    <td>{titleWords(c, i, r.entity, r.id, r.title) || r.id.slice(0, 8)}</td>
                    <td>{i.label(c.entity(r.entity)) || r.entity}</td>
                    <td className="fb-number">{r.with || '–'}</td>
                    <td>{r.by || '–'}</td>
                    <td title={dateTime(new Date(r.deleted_at))}>{i.when(r.deleted_at)}</td>
                    <td><Button size="small" onClick={() => void restore(r)}>{i.t('bin.restore')}</Button></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Loaded>
      </Card>
    </section>
  );
}
