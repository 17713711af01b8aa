// SPDX-License-Identifier: MIT
// Only what needs a person, then health; every number opens its list.
import { Button, Space } from 'antd';
import { useSession } from '../api/session';
import { useI18n } from '../i18n';
import { bytes, decimal, duration } from '../i18n/format';
import { zh } from '../i18n/zh';
import { navigate } from '../lib/router';
import { pagesOf } from '../frame/pages';
import { Shape } from '../value/Marks';
import { DeviceTable } from './Devices';
import { Card, PageHead } from './Section';
import { healthFact, healthWord, useHealth, Waiting } from './Waiting';

export default function Admin() {
  const i = useI18n();
  const session = useSession();
  return (
    <section>
      <PageHead title={i.t('page.admin')}>
        <Space wrap>{pagesOf('admin', session).filter((p) => p.path !== '/admin').map((p) => <Button key={p.path} onClick={() => navigate(p.path)}>{i.t(p.title)}</Button>)}</Space>
      </PageHead>
      <div className="fb-columns">
        <div>
          <Waiting />
          <Card title={i.t('sync.laptops')}><DeviceTable isShort /></Card>
        </div>
        <div><HealthCard /></div>
      </div>
    </section>
  );
}

function HealthCard() {
  const i = useI18n();
  const health = useHealth();
  if (!health.data) return <Card title={i.t('admin.health')}><p className="fb-quiet">{health.isError ? i.t('problem.not_offered') : i.t('ui.loading')}</p></Card>;
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
        {(health.data.checks ?? []).map((x) => <li key={x.name}><Shape state={x.ok ? 'ok' : 'danger'} /><span className="fb-grow">{healthWord(i, x.name)}{healthFact(i, x) && <span className="fb-quiet"> · {healthFact(i, x)}</span>}</span>{x.since && <span className="fb-quiet">{i.when(x.since)}</span>}</li>)}
        {facts.map(([k, v]) => <li key={k}><span className="fb-grow">{healthWord(i, k)}</span><span>{shown(k, v)}</span></li>)}
      </ul>
    </Card>
  );
}
