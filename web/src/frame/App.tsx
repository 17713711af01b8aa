// SPDX-License-Identifier: MIT
//
// The frame. App.tsx decides between signing in, the full pages (locked, revoked) and the frame; Frame.tsx lays it out;
// Modules, TabBar, SearchBox, SyncIndicator, PersonMenu and Help are its pieces; Routes.tsx finds the page of an address.
import { QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, Button, ConfigProvider, Result, Spin } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { onExpired } from '../api/client';
import { client } from '../api/queries';
import { CatalogueProvider, SessionProvider, useCatalogueQuery, useEvents, useSessionQuery, useSync, useTitlesQuery } from '../api/session';
import { QuickCreateProvider } from '../form/quick';
import { i18n, useI18n } from '../i18n';
import { SearchOutlined } from '../lib/icons';
import { nonce } from '../lib/policy';
import { problemSentence } from '../lib/problem';
import { ChangePassword } from '../pages/ChangePassword';
import { Locked } from '../pages/Locked';
import { SignIn } from '../pages/SignIn';
import { antdTheme } from '../theme/antd';
import { useIsDark } from '../theme/mode';
import { Frame } from './Frame';

dayjs.locale('zh-cn'); // weeks start on Monday in both languages

export function App() {
  const { lang, t } = useI18n();
  const isDark = useIsDark();
  const theme = useMemo(() => antdTheme(isDark), [isDark]);
  return (
    <ConfigProvider
      csp={{ nonce }}
      locale={lang === 'zh' ? zhCN : enUS}
      theme={theme}
      button={{ autoInsertSpace: false }}
      inputSearch={{ searchIcon: <SearchOutlined aria-label={t('ui.search')} /> }}
      getPopupContainer={() => document.body}
      renderEmpty={() => <span className="fb-quiet">{t('ui.none')}</span>}
    >
      <AntApp style={{ height: '100%' }}>
        <QueryClientProvider client={client}>
          <Inside />
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}

function Inside() {
  const { t } = useI18n();
  const session = useSessionQuery();
  const user = session.data ?? null;
  const isIn = user !== null && !user.must_change_password;
  const catalogue = useCatalogueQuery(isIn);
  const titles = useTitlesQuery(catalogue.data, true);
  const shown = useMemo(() => (titles.data ? catalogue.data?.withTitles(titles.data) : catalogue.data), [catalogue.data, titles.data]);
  const [isExpired, setExpired] = useState(false);
  const typed = useRef(''); // a one-time password need not be typed twice
  useEvents(isIn && !isExpired);
  // Before anybody signed in there is nothing that could have ended.
  useEffect(() => onExpired(() => client.getQueryData(['session']) && setExpired(true)), []);

  if (session.isPending) return <Full><Spin aria-label={t('ui.loading')} /></Full>;
  if (session.isError) return <Failed error={session.error} onAgain={() => void session.refetch()} />;
  if (!user) return <SignIn onDone={(password) => { typed.current = password; void session.refetch(); }} />;
  if (user.must_change_password) return <ChangePassword login={user.user.login} old={typed.current} onDone={() => { typed.current = ''; void session.refetch(); }} />;
  if (catalogue.isError) return <Failed error={catalogue.error} onAgain={() => void catalogue.refetch()} />;
  if (!shown) return <Full><Spin aria-label={t('ui.loading')} /></Full>;
  return (
    <SessionProvider value={user}>
      <CatalogueProvider value={shown}>
        <Gate>
          <QuickCreateProvider>
            <Frame />
          </QuickCreateProvider>
        </Gate>
        {isExpired && (
          <SignIn
            isAgain
            onDone={() => {
              setExpired(false);
              void session.refetch();
            }}
          />
        )}
      </CatalogueProvider>
    </SessionProvider>
  );
}

/* Revoked and locked laptops show a page and no data behind it. */
function Gate({ children }: { children: ReactNode }) {
  const sync = useSync();
  const state = sync.data?.state;
  if (state === 'revoked' || state === 'locked') return <Locked sync={sync.data!} />;
  return <>{children}</>;
}

export function Full({ children }: { children: ReactNode }) {
  return <main className="fb-full">{children}</main>;
}

function Failed({ error, onAgain }: { error: unknown; onAgain: () => void }) {
  const i = i18n();
  return (
    <Full>
      <Result status="warning" title={i.t('problem.no_start')} subTitle={problemSentence(i, error)} extra={<Button type="primary" onClick={onAgain}>{i.t('ui.again')}</Button>} />
    </Full>
  );
}
