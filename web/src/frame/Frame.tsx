// SPDX-License-Identifier: MIT
import { QuestionCircleOutlined } from '../lib/icons';
import { Badge, Button } from 'antd';
import { BellOutlined } from '../lib/icons';
import { useState } from 'react';
import { useSession, useSync } from '../api/session';
import { useI18n } from '../i18n';
import { dateTime } from '../i18n/format';
import { useKeys } from '../lib/keys';
import { useMedia } from '../lib/media';
import { HOME, listPath, navigate, openTabs, showTab } from '../lib/router';
import { Help } from './Help';
import { Modules } from './Modules';
import { PersonMenu } from './PersonMenu';
import { Pages } from './Routes';
import { SearchBox } from './SearchBox';
import { SyncIndicator } from './SyncIndicator';
import { TabBar } from './TabBar';

/* On paper: who printed this and when, and how old the data is. */
function PrintHead() {
  const i = useI18n();
  const session = useSession();
  const sync = useSync();
  useMedia('print'); // drawn anew when it is printed
  const at = sync.data?.last_at;
  return <div className="fb-print-head" aria-hidden><span>Fieldbook{at && ` · ${i.t('chart.as_of', { t: dateTime(new Date(at)) })}`}</span><span>{i.t('ui.printed', { who: session.user.name, t: dateTime(new Date()) })}</span></div>;
}

export function Frame() {
  const { t } = useI18n();
  const sync = useSync();
  const [isHelp, setHelp] = useState(false);
  const waiting = (sync.data?.held ?? 0) + (sync.data?.conflicts ?? 0) + (sync.data?.found ?? 0);
  const goTab = (n: number) => {
    const tab = openTabs()[n - 1];
    if (tab) showTab(tab);
  };
  useKeys({
    'g h': () => navigate(HOME),
    'g c': () => navigate(listPath('company')),
    'g o': () => navigate(listPath('opportunity')),
    'g l': () => navigate(listPath('lead')),
    'g s': () => navigate('/sync'),
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`g ${n}`, () => goTab(n)])),
    '?': () => setHelp(true),
  });
  return (
    <div className="fb-frame">
      <a className="fb-skip" href="#page" onClick={(e) => { e.preventDefault(); document.getElementById('page')?.focus(); }}>{t('ui.skip')}</a>
      <header className="fb-head">
        <a className="fb-brand" href={HOME} aria-label={`Fieldbook – ${t('page.my_day')}`} onClick={(e) => { e.preventDefault(); navigate(HOME); }}>
          <img src="/icon.svg" alt="" /> <span>Fieldbook</span>
        </a>
        <SearchBox />
        <div className="fb-head-end">
          <SyncIndicator />
          <Badge count={waiting} size="small" offset={[-6, 6]}>
            <Button type="text" icon={<BellOutlined />} aria-label={t('ui.bell', { n: waiting })} onClick={() => navigate('/receipts')} />
          </Badge>
          <Button type="text" icon={<QuestionCircleOutlined />} aria-label={t('ui.help')} onClick={() => setHelp(true)} />
          <PersonMenu />
        </div>
      </header>
      <Modules />
      <div className="fb-main">
        <PrintHead />
        <TabBar />
        <Pages />
      </div>
      <Help isOpen={isHelp} onClose={() => setHelp(false)} />
    </div>
  );
}
