// SPDX-License-Identifier: MIT
// What waits here, the last rounds, what a first download still has to fetch; at headquarters, which laptops are behind.
import { Alert, Button, Dropdown, Progress, Space } from 'antd';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import { useCatalogue, useSession, useSync } from '../api/session';
import type { Round, Sync, WaitingRow } from '../api/types';
import { stateText } from '../frame/syncState';
import { useI18n } from '../i18n';
import { bytes, dateTime, decimal } from '../i18n/format';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import { DeviceTable } from './Devices';
import { Found } from './Found';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

export default function SyncPage() {
  const i = useI18n();
  const session = useSession();
  const sync = useSync();
  const data = sync.data;
  if (session.node === 'server') {
    return (
      <section>
        <PageHead title={i.t('page.sync')} />
        <Card title={i.t('sync.laptops')}>{session.is_admin ? <DeviceTable isShort /> : <p className="fb-quiet">{i.t('state.headquarters')}</p>}</Card>
      </section>
    );
  }
  return (
    <section>
      <PageHead title={i.t('page.sync')}><SyncButtons sync={data} /></PageHead>
      {data && (
        <div style={{ display: 'grid', gap: 16 }}>
          <Card title={stateText(i, data)}>
            <Facts sync={data} />
            {data.reason && <Alert type="warning" title={data.reason} style={{ marginTop: 8 }} />}
          </Card>
          {data.first && data.state === 'first_download' && <FirstDownload first={data.first} />}
          <Found count={data.found ?? 0} />
          <Waiting count={data.waiting ?? 0} />
          <Rounds />
        </div>
      )}
    </section>
  );
}

const LEASE_SOON_DAYS = 7; // as the indicator: from here on it asks

function Facts({ sync }: { sync: Sync }) {
  const i = useI18n();
  const facts = [
    sync.last_at ? i.t('sync.last', { t: i.when(sync.last_at) }) : i.t('sync.never'),
    sync.next_at ? i.t('sync.next', { t: i.when(sync.next_at) }) : '',
    sync.paused_until ? i.t('sync.paused_until', { t: dateTime(new Date(sync.paused_until)) }) : '',
    sync.lease ? i.t(sync.lease.days > LEASE_SOON_DAYS ? 'lease.until' : 'lease.soon', { d: sync.lease.until.slice(0, 10), n: sync.lease.days }) : '',
  ].filter(Boolean);
  return <ul className="fb-plain">{facts.map((f) => <li key={f}>{f}</li>)}</ul>;
}

function SyncButtons({ sync }: { sync: Sync | undefined }) {
  const i = useI18n();
  const act = useAct();
  const pause = (hours: number | null) => {
    const end = new Date();
    if (hours === 0) end.setHours(24, 0, 0, 0);
    else if (hours !== null) end.setTime(end.getTime() + hours * 3_600_000);
    void act(() => api.post('/sync/pause', { until: hours === null ? null : end.toISOString() }));
  };
  const isPaused = sync?.state === 'paused' || !!sync?.paused_until;
  return (
    <Space>
      {isPaused ? (
        <Button onClick={() => void act(() => api.post('/sync/resume'))}>{i.t('sync.resume')}</Button>
      ) : (
        <Dropdown trigger={['click']} menu={{ items: [
          { key: '1', label: i.t('sync.pause_hour'), onClick: () => pause(1) },
          { key: '2', label: i.t('sync.pause_today'), onClick: () => pause(0) },
          { key: '3', label: i.t('sync.pause_on'), onClick: () => pause(null) },
        ] }}>
          <Button>{i.t('sync.pause')}</Button>
        </Dropdown>
      )}
      <Button type="primary" onClick={() => void act(() => api.post('/sync/now'))}>{i.t('sync.now')}</Button>
    </Space>
  );
}

function FirstDownload({ first }: { first: NonNullable<Sync['first']> }) {
  const i = useI18n();
  const percent = first.of > 0 ? Math.min(99, Math.floor((first.rows * 100) / first.of)) : 0;
  return (
    <Card title={i.t('term.first_download')}>
      <Progress percent={percent} aria-label={i.t('term.first_download')} />
      <p>{i.t('first.progress', { a: decimal(first.rows), b: decimal(first.of), size: bytes(first.bytes) })}</p>
      <p className="fb-quiet">{i.t('first.start', { rows: first.of, size: bytes(first.bytes) })}</p>
    </Card>
  );
}

export function Waiting({ count = 0 }: { count?: number }) {
  const i = useI18n();
  const c = useCatalogue();
  const rows = useDesk<WaitingRow>('/sync/waiting');
  return (
    <Card title={`${i.t('sync.waiting')} ${count || ''}`}>
      <Loaded query={rows} empty={i.t('sync.none_waiting')}>
        {(list) => (
          <ul className="fb-rows">
            {list.map((r) => (
              <li key={`${r.entity}-${r.id}`}>
                <span className="fb-chip">{i.label(c.entity(r.entity)) || r.entity}</span>
                <span className="fb-grow">{c.entity(r.entity) ? <Link to={recordPath(r.entity, r.id)}>{r.title || r.id.slice(0, 8)}</Link> : r.title}
                  {!r.fields && r.edits ? <span className="fb-quiet"> · {i.t(r.kind === 'created' ? 'sync.is_new' : 'sync.edits', { n: r.edits })}</span> : null}
                  {r.fields && r.fields.length > 0 && <span className="fb-quiet"> · {r.fields.map((f) => i.label(c.field(r.entity, f)) || f).join(i.lang === 'zh' ? '、' : ', ')}</span>}
                </span>
                <span className="fb-quiet">{i.when(r.at ?? r.made_at)}</span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

function Rounds() {
  const i = useI18n();
  const rows = useDesk<Round>('/sync/rounds');
  return (
    <Card title={i.t('sync.rounds')}>
      <Loaded query={rows} empty={i.t('sync.never')}>
        {(list) => (
          <table className="fb-three">
            <thead><tr><th>{i.t('audit.time')}</th><th className="fb-number">{i.t('sync.sent')}</th><th className="fb-number">{i.t('sync.received')}</th><th className="fb-number">{i.t('sync.removed')}</th><th>{i.t('sync.how')}</th></tr></thead>
            <tbody>
              {list.map((r, n) => (
                <tr key={n}>
                  <td title={dateTime(new Date(r.at))}>{i.when(r.at)}</td>
                  <td className="fb-number">{decimal(r.sent)}</td>
                  <td className="fb-number">{decimal(r.received)}</td>
                  <td className="fb-number">{decimal(r.removed)}</td>
                  <td>{r.error || i.t('sync.ok')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </Card>
  );
}
