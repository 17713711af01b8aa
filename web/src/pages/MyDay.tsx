// SPDX-License-Identifier: MIT
// The first page: what is overdue and due today, what changed since the last synchronisation, and one's own funnel.
import { PlusOutlined } from '../lib/icons';
import { App, Button, Checkbox, Skeleton, Space } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { api } from '../api/client';
import { useDesk, useList, wrote } from '../api/queries';
import { useCatalogue, useSession, useSync } from '../api/session';
import type { ChangeRow, Filter, ListAnswer, Receipt, Row } from '../api/types';
import { DONE } from '../form/done';
import { useQuickCreate } from '../form/quick';
import { useI18n } from '../i18n';
import { clock, dayText, isoDate } from '../i18n/format';
import { Link } from '../lib/Link';
import { problemSentence } from '../lib/problem';
import { listPath, navigate, recordPath } from '../lib/router';
import { rowTitle } from '../list/Table';
import { Edit } from '../value/Edit';
import { MarkSign, Shape } from '../value/Marks';
import { counted, titleOf } from '../value/text';
import { Card, Loaded } from './Section';
import { Waiting } from './Waiting';

const Funnel = lazy(() => import('../charts/Funnel'));
const ROWS = 12;

export function MyDay() {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const create = useQuickCreate();
  const now = new Date();
  const activity = c.entity('activity');
  const log = (kind: string) => void create('activity', '', { kind, status: DONE });
  const plan = () => void create('activity', '', { kind: 'task', starts_at: new Date().toISOString(), due_on: isoDate(new Date()) });
  return (
    <section>
      <div className="fb-bar">
        <h1>{i.t('page.my_day')}</h1>
        <span className="fb-quiet">{dayText(now, i.lang)}</span>
        <span className="fb-push" />
        {activity && (
          <Space wrap>
            <Button onClick={() => log('visit')}>{i.t('day.log_visit')}</Button>
            <Button onClick={() => log('call_out')}>{i.t('day.log_call')}</Button>
            <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={plan}>{i.t('ui.new_of', { ent: i.inside(activity) })}</Button>
          </Space>
        )}
      </div>
      <div className="fb-columns">
        <div>
          {activity && <Activities />}
        </div>
        <div>
          {session.is_admin && session.node === 'server' && <Waiting isQuiet />}
          <SinceLastSync />
          <Suggested />
          {c.entity('opportunity') && <Suspense fallback={<Skeleton active />}><Funnel isMine /></Suspense>}
        </div>
      </div>
    </section>
  );
}

function Activities() {
  const i = useI18n();
  const today = isoDate(new Date());
  const start = new Date(new Date().setHours(0, 0, 0, 0));
  const end = new Date(start.getTime() + 86_400_000);
  const mine: Filter = [['owner_id', 'me'], ['status', 'in', ['planned', 'in_progress']]];
  const overdue = useList('activity', { filter: [...mine, ['due_on', '<', today]], sort: 'due_on', limit: ROWS });
  const byDay = useList('activity', { filter: [...mine, ['due_on', '=', today]], sort: 'due_on', limit: ROWS });
  const byTime = useList('activity', { filter: [...mine, ['starts_at', '>=', start.toISOString()], ['starts_at', '<', end.toISOString()]], sort: 'starts_at', limit: ROWS });
  const late = overdue.data?.rows ?? [];
  const seen = new Set(late.map((r) => r.id));
  const timed = (byTime.data?.rows ?? []).filter((r) => !seen.has(r.id));
  timed.forEach((r) => seen.add(r.id));
  const due = [...timed, ...(byDay.data?.rows ?? []).filter((r) => !seen.has(r.id))];
  const answers = [overdue.data, byTime.data, byDay.data].filter((x): x is ListAnswer => x !== undefined);
  const isFailed = overdue.isError && byDay.isError;
  const error = overdue.error ?? byDay.error;
  return (
    <>
      {late.length > 0 && (
        <Card title={<span>{i.t('term.overdue')} {late.length}</span>} extra={<Link to={listPath('activity', [...mine, ['due_on', '<', today]])}>{i.t('rec.all')}</Link>}>
          <Rows rows={late} answers={answers} isLate />
        </Card>
      )}
      <Card title={<span>{i.t('within.today')} {due.length || ''}</span>} extra={<Link to={`${listPath('activity')}?shape=calendar`}>{i.t('list.calendar')}</Link>}>
        {overdue.isPending || byDay.isPending ? <Skeleton active title={false} /> : isFailed ? <p>{problemSentence(i, error)}</p> : due.length === 0 ? <p className="fb-quiet">{i.t('day.nothing')}</p> : <Rows rows={due} answers={answers} />}
      </Card>
    </>
  );
}

function Rows({ rows, answers, isLate }: { rows: Row[]; answers: ListAnswer[]; isLate?: boolean }) {
  return <ul className="fb-rows">{rows.map((r) => <ActivityRow key={r.id} row={r} answers={answers} isLate={isLate} />)}</ul>;
}

function ActivityRow({ row, answers, isLate }: { row: Row; answers: ListAnswer[]; isLate?: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const { message } = App.useApp();
  const [isAsking, setAsking] = useState(false);
  const [result, setResult] = useState<string | null>(null);
  const activity = c.entity('activity')!;
  const field = c.field('activity', 'result');
  const title = rowTitle(activity, row);
  const kind = c.field('activity', 'kind');
  const company = answers.map((a) => titleOf(a.references.company?.[String(row.company_id)])).find(Boolean);
  const done = async () => {
    try {
      const mine = { status: DONE, done_at: new Date().toISOString(), ...(result && { result }) };
      await api.patch(`/activity/${row.id}`, { base: { status: row.status, done_at: row.done_at ?? null, ...(result && { result: row.result ?? null }) }, mine });
      void message.success(i.t('form.saved'));
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
    wrote('activity', row.id);
  };
  const at = row.starts_at ? clock(new Date(String(row.starts_at))) : '';
  return (
    <li style={{ flexWrap: 'wrap' }}>
      <Checkbox checked={isAsking} aria-label={i.t('day.tick', { rec: title })} onChange={(e) => setAsking(e.target.checked)} />
      <span className="fb-quiet" style={{ width: isLate ? 84 : 44 }}>{isLate ? String(row.due_on ?? '').slice(0, 10) : at}</span>
      <span className="fb-chip">{i.label(kind ? c.choice(kind, row.kind) : undefined)}</span>
      <span className="fb-grow"><Link to={recordPath('activity', row.id)}>{title}</Link>{company && <span className="fb-quiet"> · {company}</span>}</span>
      {row._mark && <MarkSign mark={row._mark} />}
      {isAsking && (
        <Space style={{ width: '100%', paddingLeft: 28 }}>
          {field && <span style={{ display: 'inline-block', width: 200 }}><Edit id={`result-${row.id}`} label={i.label(field)} field={{ ...field, required: false }} value={result} onChange={(v) => setResult(v as string | null)} autoFocus /></span>}
          <Button size="small" type="primary" onClick={() => void done()}>{i.t('day.done')}</Button>
        </Space>
      )}
    </li>
  );
}

function SinceLastSync() {
  const i = useI18n();
  const c = useCatalogue();
  const session = useSession();
  const sync = useSync();
  const isLaptop = session.node === 'replica';
  const changes = useDesk<ChangeRow>('/sync/changes', {}, isLaptop);
  const receipts = useDesk<Receipt>('/receipts', { state: 'adjusted' }, isLaptop);
  if (!isLaptop) return null;
  const counts = new Map<string, { entity: string; kind: string; n: number }>();
  for (const r of changes.data ?? []) {
    const key = `${r.entity}/${r.kind}`;
    counts.set(key, { entity: r.entity, kind: r.kind, n: (counts.get(key)?.n ?? 0) + 1 });
  }
  const adjusted = receipts.data?.length ?? 0;
  const held = sync.data?.held ?? 0;
  const lines = [...counts.values()].filter((x) => c.entity(x.entity)).sort((a, b) => b.n - a.n).slice(0, 6);
  return (
    <Card title={sync.data?.last_at ? i.t('day.since', { t: i.when(sync.data.last_at) }) : i.t('page.sync')} extra={<Link to="/sync">{i.t('day.see_all')}</Link>}>
      <Loaded query={changes} empty={adjusted + held === 0 ? i.t('day.no_changes') : ''}>
        {() => (
          <ul className="fb-rows">
            {lines.map((x) => <li key={x.entity + x.kind}><Shape state={x.kind === 'removed' ? 'quiet' : 'ok'} /><Link to={`${listPath(x.entity)}?sort=-modified_at`}>{i.t(x.kind === 'removed' ? 'day.left_n' : x.kind === 'new' || x.kind === 'arrived' ? 'day.new_n' : 'day.changed_n', { n: x.n, ent: counted(i, c, c.entity(x.entity)!, x.n) })}</Link></li>)}
          </ul>
        )}
      </Loaded>
      {adjusted > 0 && <p style={{ margin: '6px 0 0' }}><Shape state="adjusted" /> <Link to="/receipts">{i.t('day.adjusted', { n: adjusted })}</Link></p>}
      {held > 0 && <p style={{ margin: '6px 0 0' }}><Shape state="held" /> <Link to="/held">{i.t('day.held', { n: held })}</Link></p>}
    </Card>
  );
}

const QUIET_DAYS = 60;

/* Customers of mine that nobody spoke to for long: from the field the activities keep. */
function Suggested() {
  const i = useI18n();
  const c = useCatalogue();
  const has = c.field('company', 'last_activity_at') !== undefined && c.field('company', 'owner_id') !== undefined;
  const before = new Date(new Date().setHours(0, 0, 0, 0) - QUIET_DAYS * 86_400_000).toISOString();
  const list = useList('company', { filter: [['owner_id', 'me'], ['status', '=', 'active'], ['last_activity_at', '<', before]], limit: 5 }, has);
  const rows = list.data?.rows ?? [];
  if (rows.length === 0) return null;
  return (
    <Card title={i.t('day.suggested')}>
      <ul className="fb-rows">
        {rows.map((r) => (
          <li key={r.id}>
            <span className="fb-grow"><Link to={recordPath('company', r.id)}>{rowTitle(c.entity('company')!, r)}</Link></span>
            <span className="fb-quiet">{i.t('day.quiet_since', { t: i.when(String(r.last_activity_at)) })}</span>
            <Button size="small" onClick={() => navigate(recordPath('company', r.id))}>{i.t('ui.open')}</Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}
