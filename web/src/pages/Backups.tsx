// SPDX-License-Identifier: MIT
// Backups that headquarters made here, each checked; a running one tells how far it is.
import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Progress } from 'antd';
import { api } from '../api/client';
import type { Backups as Answer } from '../api/types';
import { useI18n } from '../i18n';
import { bytes, dateTime } from '../i18n/format';
import { Shape } from '../value/Marks';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

const LOOK_EVERY_MS = 2000;

export default function Backups() {
  const i = useI18n();
  const act = useAct();
  const answer = useQuery({ queryKey: ['desk', '/backups'], queryFn: () => api.get<Answer>('/backups'), refetchInterval: (q) => (q.state.data?.running ? LOOK_EVERY_MS : false) });
  const { running, failed, folder } = answer.data ?? {};
  const percent = running && running.total > 0 ? Math.min(99, Math.floor((running.done * 100) / running.total)) : 0;
  return (
    <section>
      <PageHead title={i.t('page.backups')}><Button type="primary" disabled={!!running} onClick={() => void act(() => api.post('/backups'))}>{i.t('backup.now')}</Button></PageHead>
      {failed && <Alert type="error" role="alert" title={i.t('backup.failed', { reason: failed })} style={{ marginBottom: 12 }} />}
      {running && <Card><p>{i.t('backup.running', { p: percent, t: i.when(running.since) })}</p><Progress percent={percent} aria-label={i.t('page.backups')} /></Card>}
      <Card>
        <Loaded query={{ ...answer, data: answer.data?.rows } as never} empty={i.t('backup.none')}>
          {(list: Answer['rows']) => (
            <ul className="fb-rows">
              {list.map((b) => (
                <li key={b.id ?? b.at}>
                  <Shape state={b.verified === false ? 'danger' : b.verified ? 'ok' : 'quiet'} />
                  <span className="fb-grow">{b.verified === false ? i.t('backup.bad', { t: '–' }) : i.t(b.verified ? 'backup.checked' : 'backup.unchecked')}</span>
                  <span>{b.bytes !== undefined ? bytes(b.bytes) : ''}</span>
                  <span className="fb-quiet">{dateTime(new Date(b.at))}</span>
                </li>
              ))}
            </ul>
          )}
        </Loaded>
        {folder && <p className="fb-quiet">{i.t('backup.folder', { folder })}</p>}
      </Card>
    </section>
  );
}
