// SPDX-License-Identifier: MIT
// Only what needs a person, then health; every number opens its list.
import { useQuery } from '@tanstack/react-query';
import { Button, Space } from 'antd';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import { useSession } from '../api/session';
import type { Conflict, Device, DuplicatePair, Health, HealthCheck, Held } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { bytes, decimal, duration, isoDate } from '../i18n/format';
import { zh } from '../i18n/zh';
import { Link } from '../lib/Link';
import { navigate } from '../lib/router';
import { pagesOf } from '../frame/pages';
import { Shape } from '../value/Marks';
import { DeviceTable } from './Devices';
import { Card, PageHead } from './Section';

export default function Admin() {
  const i = useI18n();
  const session = useSession();
  const conflicts = useDesk<Conflict>('/conflicts', { state: 'waiting' });
  const held = useDesk<Held>('/held');
  const devices = useDesk<Device>('/devices');
  const alike = useDesk<DuplicatePair>('/duplicates');
  const asking = (devices.data ?? []).filter((d) => d.state === 'pending').length;
  const waiting = [
    { n: conflicts.data?.length ?? 0, word: i.t('page.conflicts'), path: '/conflicts' },
    { n: held.data?.length ?? 0, word: i.t('page.held'), path: '/held' },
    { n: asking, word: i.t('dev.to_approve'), path: '/devices' },
    { n: alike.data?.length ?? 0, word: i.t('page.duplicates'), path: '/duplicates' },
  ].filter((w) => w.n > 0);
  return (
    <section>
      <PageHead title={i.t('page.admin')}>
        <Space wrap>{pagesOf('admin', session).filter((p) => p.path !== '/admin').map((p) => <Button key={p.path} onClick={() => navigate(p.path)}>{i.t(p.title)}</Button>)}</Space>
      </PageHead>
      <div className="fb-columns">
        <div>
          <Card title={i.t('admin.waiting')}>
            {waiting.length === 0 ? <p className="fb-quiet">{i.t('admin.fine')}</p> : <ul className="fb-rows">{waiting.map((w) => <li key={w.path}><Shape state="disputed" /><Link to={w.path}>{w.word}</Link><span className="fb-push">{w.n}</span></li>)}</ul>}
          </Card>
          <Card title={i.t('sync.laptops')}><DeviceTable isShort /></Card>
        </div>
        <div><HealthCard /></div>
      </div>
    </section>
  );
}

function HealthCard() {
  const i = useI18n();
  const health = useQuery({ queryKey: ['desk', '/health'], queryFn: () => api.get<Health>('/health') });
  const word = (name: string) => (`health.${name}` in zh ? i.t(`health.${name}` as Key) : name);
  if (!health.data) return <Card title={i.t('admin.health')}><p className="fb-quiet">{health.isError ? i.t('problem.not_offered') : i.t('ui.loading')}</p></Card>;
  const fact = (x: HealthCheck) => (x.fact && `health.${x.fact}` in zh ? i.t(`health.${x.fact}` as Key, { v: x.fact === 'free' ? bytes(x.value ?? 0) : isoDate(new Date(x.value ?? 0)) }) : x.detail);
  const shown = (k: string, v: unknown) => {
    if (typeof v === 'boolean') return i.t(v ? 'ui.yes' : 'ui.no');
    if (typeof v !== 'number') return String(v);
    if (k === 'uptime_s') return duration(v * 1000, i.lang);
    return /_bytes$/.test(k) ? bytes(v) : decimal(v);
  };
  const facts = Object.entries(health.data).filter(([k, v]) => `health.${k}` in zh && ['string', 'number', 'boolean'].includes(typeof v));
  return (
    <Card title={i.t('admin.health')}>
      <ul className="fb-rows">
        {(health.data.checks ?? []).map((x) => <li key={x.name}><Shape state={x.ok ? 'ok' : 'danger'} /><span className="fb-grow">{word(x.name)}{fact(x) && <span className="fb-quiet"> · {fact(x)}</span>}</span>{x.since && <span className="fb-quiet">{i.when(x.since)}</span>}</li>)}
        {facts.map(([k, v]) => <li key={k}><span className="fb-grow">{word(k)}</span><span>{shown(k, v)}</span></li>)}
      </ul>
    </Card>
  );
}
