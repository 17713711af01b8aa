// SPDX-License-Identifier: MIT
// What became of one's own edits, one sentence each, newest first.
import { Segmented } from 'antd';
import { useState } from 'react';
import { useDesk } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Receipt, Value } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { zh } from '../i18n/zh';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import type { StateColour } from '../theme/tokens';
import { Shape } from '../value/Marks';
import { valueText } from '../value/text';
import { Card, Loaded, PageHead } from './Section';

const SHAPE: Record<string, StateColour> = { adjusted: 'adjusted', held: 'held', waiting: 'unsent', conflict: 'disputed', disputed: 'disputed', taken: 'ok', settled: 'ok' };

export default function Receipts() {
  const i = useI18n();
  const [state, setState] = useState('');
  const rows = useDesk<Receipt>('/receipts', { state });
  return (
    <section>
      <PageHead title={i.t('page.receipts')}>
        <Segmented aria-label={i.t('term.filter')} value={state} onChange={setState} options={[{ value: '', label: i.t('list.all') }, { value: 'adjusted', label: i.t('term.adjusted') }, { value: 'held', label: i.t('term.held') }, { value: 'waiting', label: i.t('term.to_send') }]} />
      </PageHead>
      <Card>
        <Loaded query={rows} empty={i.t('receipts.none')}>{(list) => <ul className="fb-rows">{list.map((r) => <One key={r.id} r={r} />)}</ul>}</Loaded>
      </Card>
    </section>
  );
}

/* The sentence of pages.md by the reason's code; a reason we don't know is told in the node's words. */
export function useSentence(): (r: Receipt) => string {
  const i = useI18n();
  const c = useCatalogue();
  return (r) => {
    const field = r.field ? c.field(r.entity, r.field) : undefined;
    const text = (v: Value | undefined) => i.value(field && v !== undefined ? valueText(c, i, field, v) : String(v ?? ''));
    const f = i.label(field) || r.field || '';
    const who = r.who || i.t('both.someone');
    const params = { who, f, mine: text(r.mine), theirs: text(r.value), v: text(r.value), t: i.when(r.their_at ?? r.at), rec: r.title, admin: i.t('ui.admin'), note: r.detail ?? '', pick: '', n: 0, ent: i.label(c.entity(r.entity)) };
    const key = `conflict.${r.code ?? ''}`;
    if (key in zh) return i.t(key as Key, params);
    const held = `held.${r.code ?? ''}`;
    if (held in zh && !r.detail) return i.t(held as Key, params);
    return r.detail || (f ? i.t('receipts.now', { f, v: params.v }) : i.t('receipts.as_it_was'));
  };
}

function One({ r }: { r: Receipt }) {
  const i = useI18n();
  const c = useCatalogue();
  const sentence = useSentence();
  return (
    <li style={{ alignItems: 'flex-start' }}>
      <Shape state={SHAPE[r.state] ?? 'quiet'} />
      <div className="fb-grow" style={{ whiteSpace: 'normal' }}>
        <div>{c.entity(r.entity) ? <Link to={recordPath(r.entity, r.row_id)}>{r.title || i.label(c.entity(r.entity))}</Link> : r.title}</div>
        <div>{sentence(r)}</div>
      </div>
      <span className="fb-quiet">{i.when(r.at)}</span>
    </li>
  );
}
