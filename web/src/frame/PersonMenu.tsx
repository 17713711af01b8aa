// SPDX-License-Identifier: MIT
// Language, appearance, keys, password, second step at sign-in, sign out. What was typed and not saved is asked for before it goes.
import { CheckOutlined, DownOutlined } from '../lib/icons';
import { App, Button, Dropdown } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { api } from '../api/client';
import { client } from '../api/queries';
import { useSession } from '../api/session';
import { countDrafts, dropDrafts } from '../form/state';
import { setLanguage, useI18n } from '../i18n';
import { lettersOff, setLettersOff } from '../lib/keys';
import { forgetTabs } from '../lib/router';
import { PasswordDialog } from '../pages/ChangePassword';
import { getMode, setMode, useIsDark, type Mode } from '../theme/mode';

const SecondStep = lazy(() => import('../pages/SecondStep'));

export function PersonMenu() {
  const { t, lang } = useI18n();
  const session = useSession();
  const { message, modal } = App.useApp();
  const [isOff, setOff] = useState(lettersOff());
  const [isChanging, setChanging] = useState(false);
  const [isStepping, setStepping] = useState(false);
  useIsDark();
  const tick = (is: boolean) => (is ? <CheckOutlined /> : <span style={{ display: 'inline-block', width: 14 }} />);
  const leave = async () => {
    await api.remove('/session');
    dropDrafts(session.user.id);
    forgetTabs();
    client.clear();
    location.assign('/');
  };
  const signOut = () => {
    const drafts = countDrafts(session.user.id);
    if (drafts === 0) return void leave();
    return void modal.confirm({ title: t('ui.sign_out'), content: t('form.drafts_lost', { n: drafts }), okText: t('ui.sign_out'), cancelText: t('ui.cancel'), onOk: leave });
  };
  return (
    <>
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            { key: 'zh', icon: tick(lang === 'zh'), label: <span lang="zh-CN">中文</span>, onClick: () => setLanguage('zh') },
            { key: 'en', icon: tick(lang === 'en'), label: <span lang="en">English</span>, onClick: () => setLanguage('en') },
            { type: 'divider' },
            ...(['system', 'light', 'dark'] as Mode[]).map((m) => ({ key: m, icon: tick(getMode() === m), label: t(`mode.${m}`), onClick: () => setMode(m) })),
            { type: 'divider' },
            { key: 'letters', icon: tick(!isOff), label: t('ui.letter_keys'), onClick: () => { setLettersOff(!isOff); setOff(!isOff); } },
            ...(session.node === 'server' ? [{ type: 'divider' as const }, { key: 'password', icon: tick(false), label: t('login.change_password'), onClick: () => setChanging(true) }, { key: 'step2', icon: tick(session.has_second_factor === true), label: t('step2.title'), onClick: () => setStepping(true) }, { key: 'out', icon: tick(false), label: t('ui.sign_out'), onClick: signOut }] : []),
          ],
        }}
      >
        <Button type="text" aria-label={t('ui.person_menu', { who: session.user.name })}>
          {session.user.name} <DownOutlined style={{ fontSize: 10 }} aria-hidden />
        </Button>
      </Dropdown>
      {isStepping && (
        <Suspense fallback={null}>
          <SecondStep
            onClose={() => setStepping(false)}
            onDone={(isOn) => {
              setStepping(false);
              void message.success(t(isOn ? 'step2.now_on' : 'step2.now_off'));
            }}
          />
        </Suspense>
      )}
      {isChanging && (
        <PasswordDialog
          login={session.user.login}
          onCancel={() => setChanging(false)}
          onDone={() => {
            setChanging(false);
            void message.success(t('login.changed'));
            void client.invalidateQueries({ queryKey: ['session'] });
          }}
        />
      )}
    </>
  );
}
