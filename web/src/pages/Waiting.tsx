// SPDX-License-Identifier: MIT
// What waits for an administrator: decisions, laptops that want in, records that look alike, and checks that fail.
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import type { Conflict, Device, DuplicatePair, Health, HealthCheck, Held } from '../api/types';
import { useI18n, type I18n, type Key } from '../i18n';
import { bytes, isoDate } from '../i18n/format';
import { zh } from '../i18n/zh';
import { Link } from '../lib/Link';
import { Shape } from '../value/Marks';
import { Card } from './Section';

export const useHealth = () => useQuery({ queryKey: ['desk', '/health'], queryFn: () => api.get<Health>('/health') });

export const healthWord = (i: I18n, name: string) => (`health.${name}` in zh ? i.t(`health.${name}` as Key) : name);
export const healthFact = (i: I18n, x: HealthCheck) =>
  x.fact && `health.${x.fact}` in zh ? i.t(`health.${x.fact}` as Key, { v: x.fact === 'free' ? bytes(x.value ?? 0) : isoDate(new Date(x.value ?? 0)) }) : x.detail;

/* Where a failing check is mended in the pages. */
export const MENDED: Record<string, string> = { backup: '/backups' };

export function Waiting({ isQuiet }: { isQuiet?: boolean }) {
  const i = useI18n();
  const conflicts = useDesk<Conflict>('/conflicts', { state: 'waiting' });
  const held = useDesk<Held>('/held');
  const devices = useDesk<Device>('/devices');
  const alike = useDesk<DuplicatePair>('/duplicates');
  const health = useHealth();
  const lines = [
    { n: conflicts.data?.length ?? 0, word: i.t('page.conflicts'), path: '/conflicts' },
    { n: held.data?.length ?? 0, word: i.t('page.held'), path: '/held' },
    { n: (devices.data ?? []).filter((d) => d.state === 'pending').length, word: i.t('dev.to_approve'), path: '/devices' },
    { n: alike.data?.length ?? 0, word: i.t('page.duplicates'), path: '/duplicates' },
  ].filter((w) => w.n > 0);
  const failing = (health.data?.checks ?? []).filter((x) => !x.ok);
  if (isQuiet && lines.length + failing.length === 0) return null;
  return (
    <Card title={i.t('admin.waiting')} extra={isQuiet && <Link to="/admin">{i.t('page.admin')}</Link>}>
      {lines.length + failing.length === 0 ? <p className="fb-quiet">{i.t('admin.fine')}</p> : (
        <ul className="fb-rows">
          {lines.map((w) => <li key={w.path}><Shape state="disputed" /><Link to={w.path}>{w.word}</Link><span className="fb-push">{w.n}</span></li>)}
          {failing.map((x) => <li key={x.name}><Shape state="danger" />{MENDED[x.name] ? <Link to={MENDED[x.name]!}>{healthWord(i, x.name)}</Link> : <span>{healthWord(i, x.name)}</span>}<span className="fb-push fb-quiet">{healthFact(i, x)}</span></li>)}
        </ul>
      )}
    </Card>
  );
}
