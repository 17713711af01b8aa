// SPDX-License-Identifier: MIT
// Records that may be the same: said not to be, or merged field by field; what moves is said before.
import { App, Button, Modal, Radio, Segmented, Skeleton, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { client, useDesk, useRecord, useRelated, wrote } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { DuplicatePair } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { Link } from '../lib/Link';
import { navigate, recordPath } from '../lib/router';
import { alikeText, counted, valueText } from '../value/text';
import { choicesOf, differences, type Side } from './merging';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

/* Merging is a right of its own: headquarters would hold the wish of somebody without it. */
export const useMayMerge = (): boolean => may(useSession(), 'merge_job', 'create');

export default function Duplicates() {
  const i = useI18n();
  const c = useCatalogue();
  const act = useAct();
  const mayMerge = useMayMerge();
  const mayAnswer = may(useSession(), 'merge_job', 'edit');
  const [state, setState] = useState('suspected');
  const rows = useDesk<DuplicatePair>('/duplicates', { state });
  const [open, setOpen] = useState<DuplicatePair | null>(null);
  return (
    <section>
      <PageHead title={i.t('page.duplicates')}>
        <Segmented aria-label={i.t('term.filter')} value={state} onChange={setState} options={[{ value: 'suspected', label: i.t('dup.suspected') }, { value: 'merged', label: i.t('dup.is_merged') }, { value: 'not_duplicate', label: i.t('dup.is_not') }]} />
      </PageHead>
      <Card>
        <Loaded query={rows} empty={i.t('dup.none')}>
          {(list) => (
            <ul className="fb-rows">
              {list.map((d) => (
                <li key={d.id}>
                  <span className="fb-chip">{i.label(c.entity(d.entity))}</span>
                  <span className="fb-grow"><Link to={recordPath(d.entity, d.left.id)}>{d.left.title}</Link>{d.right.title && ' / '}{state === 'merged' ? d.right.title : <Link to={recordPath(d.entity, d.right.id)}>{d.right.title}</Link>}{d.reasons && d.reasons.length > 0 && <span className="fb-quiet"> · {d.reasons.map((r) => alikeText(c, i, d.entity, r)).join(i.lang === 'zh' ? '、' : ', ')}</span>}</span>
                  {d.score !== undefined && d.score > 0 && <span className="fb-quiet">{i.t('dup.alike', { n: d.score })}</span>}
                  {state === 'suspected' && mayAnswer && <Button size="small" onClick={() => void act(() => api.post(`/duplicates/${d.id}/dismiss`), i.t('dup.remembered'))}>{i.t('dup.not_same')}</Button>}
                  {state === 'suspected' && mayMerge && <Button size="small" type="primary" onClick={() => setOpen(d)}>{i.t('term.merge')}</Button>}
                  {state === 'merged' && mayAnswer && <Button size="small" onClick={() => void act(() => api.post(`/merges/${d.id}/undo`), i.t('dup.undone'))}>{i.t('term.undo')}</Button>}
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      </Card>
      {open && <Merge pair={open} onClose={() => setOpen(null)} />}
    </section>
  );
}

export function Merge({ pair, onClose }: { pair: DuplicatePair; onClose: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const { message } = App.useApp();
  const [isTurned, setTurned] = useState(false);
  const keepId = isTurned ? pair.right.id : pair.left.id;
  const dropId = isTurned ? pair.left.id : pair.right.id;
  const keep = useRecord(pair.entity, keepId);
  const drop = useRecord(pair.entity, dropId);
  const moves = useRelated(pair.entity, dropId);
  const [take, setTake] = useState<Record<string, Side>>({});
  const entity = c.entity(pair.entity)!;
  const title = (id: string) => (id === pair.left.id ? pair.left.title : pair.right.title);
  const list = keep.data && drop.data ? differences(entity, keep.data.row, drop.data.row) : [];
  const what = (moves.data ?? []).filter((m) => m.count > 0 && c.entity(m.entity)).map((m) => `${m.count} ${counted(i, c, c.entity(m.entity)!, m.count)}`).join(i.lang === 'zh' ? '、' : ', ');
  const send = async () => {
    const made = await act(() => api.post<{ state?: string } | undefined>(`/${pair.entity}/${keepId}/merge`, { drop: dropId, take: choicesOf(list, take) }));
    if (made === null) return;
    void message.success(i.t(made?.state === 'waiting' ? 'dup.waiting' : 'dup.merged'));
    // What is no more is not asked for again.
    client.removeQueries({ queryKey: ['record', pair.entity, dropId] });
    wrote(pair.entity, keepId);
    onClose();
    navigate(recordPath(pair.entity, keepId));
  };
  return (
    <Modal open width={760} title={i.t('dup.title')} okText={i.t('term.merge')} cancelText={i.t('ui.cancel')} onCancel={onClose} onOk={() => void send()} okButtonProps={{ disabled: !keep.data || !drop.data }}>
      <p>{what === '' ? i.t('dup.merge_only', { drop: title(dropId), keep: title(keepId), n: 30 }) : i.t('confirm.merge', { drop: title(dropId), keep: title(keepId), moves: what, n: 30 })}</p>
      <Space style={{ marginBottom: 8 }}><Button size="small" onClick={() => { setTurned(!isTurned); setTake({}); }}>{i.t('dup.turn')}</Button></Space>
      {!keep.data || !drop.data ? <Skeleton active /> : (
        <table className="fb-three">
          <thead><tr><th>{i.t('list.field')}</th><th>{i.t('dup.keep', { rec: title(keepId) })}</th><th>{title(dropId)}</th></tr></thead>
          <tbody>
            {list.map((d) => (
              <tr key={d.key}>
                <th scope="row">{d.fields.map((f) => i.label(f)).join(i.lang === 'zh' ? '、' : ', ')}{d.combines && <div className="fb-quiet">{i.t(`rule.${d.fields[0]!.merge}` as Key)}</div>}</th>
                {(['keep', 'drop'] as const).map((side) => {
                  const { row, references } = side === 'keep' ? keep.data : drop.data;
                  const words = d.fields.map((f) => i.value(valueText(c, i, f, row[f.name], references, row))).join(i.lang === 'zh' ? '、' : ', ');
                  return <td key={side}>{d.combines ? words : <Radio name={d.key} checked={(take[d.key] ?? d.usual) === side} onChange={() => setTake({ ...take, [d.key]: side })}>{words}</Radio>}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Modal>
  );
}
