// SPDX-License-Identifier: MIT
// What became of one's own edits, one sentence each, newest first.
import { Segmented } from 'antd';
import { useState } from 'react';
import { useDesk } from '../api/queries';
import { useCatalogue, useSession } from '../api/session';
import type { Conflict, Receipt, Value } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { zh } from '../i18n/zh';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import type { StateColour } from '../theme/tokens';
import { Shape } from '../value/Marks';
import { valueText } from '../value/text';
import { Card, Loaded, PageHead } from './Section';
import { Waiting } from './SyncPage';

const SHAPE: Record<string, StateColour> = { adjusted: 'adjusted', held: 'held', waiting: 'unsent', conflict: 'disputed', disputed: 'disputed', taken: 'ok', settled: 'ok' };

export default function Receipts() {
  const i = useI18n();
  const [state, setState] = useState('');
  const session = useSession();
  const isWaiting = state === 'waiting';
  const rows = useDesk<Receipt>('/receipts', { state }, !isWaiting);
  return (
    <section>
      <PageHead title={i.t('page.receipts')}>
        <Segmented aria-label={i.t('term.filter')} value={state} onChange={setState} options={[{ value: '', label: i.t('list.all') }, { value: 'adjusted', label: i.t('term.adjusted') }, { value: 'held', label: i.t('term.held') }, ...(session.node === 'replica' ? [{ value: 'waiting', label: i.t('term.to_send') }] : [])]} />
      </PageHead>
      {isWaiting ? <Waiting /> : (
        <Card>
          <Loaded query={rows} empty={i.t('receipts.none')}>{(list) => <ul className="fb-rows">{list.map((r) => <One key={r.id} r={r} />)}</ul>}</Loaded>
        </Card>
      )}
    </section>
  );
}

/* The sentence of pages.md by the conflict's code; one we don't know is told in the node's words. */
export function useSentence(): (x: Conflict) => string {
  const i = useI18n();
  const c = useCatalogue();
  return (x) => {
    const text = (values: Record<string, Value> | undefined) => i.value(x.fields.map((n) => {
      const f = c.field(x.entity, n);
      return f ? valueText(c, i, f, values?.[n] ?? null, x.references) : String(values?.[n] ?? '');
    }).filter(Boolean).join(i.lang === 'zh' ? '、' : ', '));
    const theirs = text(x.theirs);
    const mine = text(x.mine);
    const rec = x.code === 'lead_twice' ? mine : x.title;
    const key = `conflict.${x.code ?? ''}`;
    if (!(key in zh)) return x.sentence ?? '';
    return i.t(key as Key, { who: x.theirs_who || i.t('both.someone'), f: i.label(c.field(x.entity, x.fields[0] ?? '')), mine, theirs, t: i.when(x.theirs_at), rec, admin: i.t('ui.admin') });
  };
}

/* That somebody was first is said by what was made, where anything was. */
const told = (list: Conflict[]): Conflict[] => (list.some((x) => x.code === 'lead_twice') ? list.filter((x) => x.code !== 'lead_first') : list);

function One({ r }: { r: Receipt }) {
  const i = useI18n();
  const c = useCatalogue();
  const sentence = useSentence();
  const conflicts = told(r.conflicts ?? []);
  return (
    <li style={{ alignItems: 'flex-start' }}>
      <Shape state={SHAPE[r.state] ?? 'quiet'} />
      <div className="fb-grow" style={{ whiteSpace: 'normal' }}>
        <div>{c.entity(r.entity) ? <Link to={recordPath(r.entity, r.row_id)}>{r.title || i.label(c.entity(r.entity))}</Link> : r.title}</div>
        {conflicts.map((x) => <div key={x.id}>{sentence(x)}</div>)}
        {conflicts.length === 0 && <div>{r.detail || i.t(r.state === 'adjusted' ? 'receipts.adjusted' : 'receipts.as_it_was')}</div>}
        {conflicts.some((x) => x.pair) && <Link to="/duplicates">{i.t('page.duplicates')}</Link>}
      </div>
      <span className="fb-quiet">{i.when(r.at)}</span>
    </li>
  );
}
