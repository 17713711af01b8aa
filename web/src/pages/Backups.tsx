// SPDX-License-Identifier: MIT
import { Button } from 'antd';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import type { Backup } from '../api/types';
import { useI18n } from '../i18n';
import { bytes, dateTime } from '../i18n/format';
import { Shape } from '../value/Marks';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

export default function Backups() {
  const i = useI18n();
  const act = useAct();
  const rows = useDesk<Backup>('/backups');
  return (
    <section>
      <PageHead title={i.t('page.backups')}><Button type="primary" onClick={() => void act(() => api.post('/backups'))}>{i.t('backup.now')}</Button></PageHead>
      <Card>
        <Loaded query={rows} empty={i.t('backup.none')}>
          {(list) => (
            <ul className="fb-rows">
              {list.map((b, n) => (
                <li key={b.id ?? n}>
                  <Shape state={b.verified === false ? 'danger' : b.verified ? 'ok' : 'quiet'} />
                  <span className="fb-grow">{b.verified === false ? i.t('backup.bad', { t: '–' }) : b.verified ? i.t('backup.checked') : (b.detail ?? i.t('backup.unchecked'))}</span>
                  <span>{b.bytes !== undefined ? bytes(b.bytes) : ''}</span>
                  <span className="fb-quiet">{dateTime(new Date(b.at))}</span>
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      </Card>
    </section>
  );
}
