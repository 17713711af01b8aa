// SPDX-License-Identifier: MIT
// Conflicting edits: three values beside each other - original, headquarters, laptop, always in this order - with who and
// when, nothing chosen beforehand. One by one or many at once; every ruling can be taken back.
import { Button, Segmented, Space } from 'antd';
import { useState } from 'react';
import { useDesk } from '../api/queries';
import { api } from '../api/client';
import { useCatalogue, useSession } from '../api/session';
import type { Conflict } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { navigate, useQueryOf } from '../lib/router';
import { ConflictOne } from './ConflictOne';
import { Loaded, PageHead } from './Section';
import { useAct } from './useAct';

type State = 'waiting' | 'auto' | 'ruled';

export default function Conflicts() {
  const i = useI18n();
  const [state, setState] = useState<State>('waiting');
  const rows = useDesk<Conflict>('/conflicts', { state });
  const id = new URLSearchParams(useQueryOf('/conflicts')).get('id');
  const at = (rows.data ?? []).findIndex((x) => x.id === id);
  const open = at >= 0 ? rows.data![at] : undefined;
  const show = (n: number) => navigate(rows.data?.[n] ? `/conflicts?id=${rows.data[n]!.id}` : '/conflicts');
  if (open) return <ConflictOne key={open.id} conflict={open} at={at} count={rows.data!.length} onShow={show} onClose={() => navigate('/conflicts')} />;
  return (
    <section>
      <PageHead title={i.t('page.conflicts')}>
        <Segmented<State> aria-label={i.t('term.filter')} value={state} onChange={setState} options={(['waiting', 'auto', 'ruled'] as State[]).map((s) => ({ value: s, label: i.t(`conf.${s}` as Key) }))} />
      </PageHead>
      <Loaded query={rows} empty={i.t(state === 'waiting' ? 'conf.none' : 'audit.none')}>{(list) => <Many list={list} state={state} />}</Loaded>
    </section>
  );
}

function Many({ list, state }: { list: Conflict[]; state: State }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const act = useAct();
  const [chosen, setChosen] = useState<string[]>([]);
  const [by, setBy] = useState<'field' | 'person' | 'age'>('field');
  const canRule = session.node === 'server';
  const groups = new Map<string, Conflict[]>();
  for (const x of list) {
    const key = by === 'field' ? `${i.label(c.entity(x.entity))} · ${x.fields.map((f) => i.label(c.field(x.entity, f)) || f).join(i.lang === 'zh' ? '、' : ', ')}` : by === 'person' ? (x.mine_who ?? '–') : (x.arrived_at ?? x.mine_at ?? '').slice(0, 10);
    groups.set(key, [...(groups.get(key) ?? []), x]);
  }
  const rule = async (keep: string) => {
    const answer = await act(() => api.post<{ done: number; failed: unknown[] }>('/conflicts/rule', { ids: chosen, keep }), i.t('conf.ruled_n', { n: chosen.length }));
    if (answer !== null) setChosen([]);
  };
  const toggle = (ids: string[]) => setChosen((old) => (ids.every((x) => old.includes(x)) ? old.filter((x) => !ids.includes(x)) : [...new Set([...old, ...ids])]));
  return (
    <>
      <div className="fb-bar">
        <Segmented size="small" aria-label={i.t('term.group_by')} value={by} onChange={setBy} options={[{ value: 'field' as const, label: i.t('conf.by_field') }, { value: 'person' as const, label: i.t('conf.by_person') }, { value: 'age' as const, label: i.t('conf.by_age') }]} />
        {chosen.length > 0 && canRule && (
          <Space wrap role="toolbar" aria-label={i.t('list.chosen', { n: chosen.length })}>
            <strong>{i.t('list.chosen', { n: chosen.length })}</strong>
            {state === 'ruled' ? <Button onClick={() => void rule('undo')}>{i.t('term.undo')}</Button> : null}
            <Button onClick={() => void rule('theirs')}>{i.t('conf.keep_hq')}</Button>
            <Button onClick={() => void rule('mine')}>{i.t('conf.keep_laptop')}</Button>
            <Button onClick={() => void rule('later')}>{i.t('conf.keep_later')}</Button>
          </Space>
        )}
      </div>
      <div style={{ display: 'grid', gap: 12 }}>
        {[...groups].map(([name, rows]) => (
          <section key={name} className="fb-card">
            <h2>
              {canRule && <input type="checkbox" aria-label={i.t('list.choose', { rec: name })} checked={rows.every((x) => chosen.includes(x.id))} onChange={() => toggle(rows.map((x) => x.id))} />} {name} <span className="fb-quiet">{rows.length}</span>
            </h2>
            <ul className="fb-rows">
              {rows.map((x) => (
                <li key={x.id}>
                  {canRule && <input type="checkbox" aria-label={i.t('list.choose', { rec: x.title })} checked={chosen.includes(x.id)} onChange={() => toggle([x.id])} />}
                  <button type="button" className="fb-value-button fb-grow" style={{ cursor: 'pointer', color: 'var(--fb-link)' }} onClick={() => navigate(`/conflicts?id=${x.id}`)}>{x.title || i.label(c.entity(x.entity))}</button>
                  <span className="fb-quiet">{x.theirs_who || '–'} / {x.mine_who || '–'}</span>
                  <span className="fb-quiet">{i.when(x.arrived_at ?? x.mine_at)}</span>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </>
  );
}
