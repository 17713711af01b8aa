// SPDX-License-Identifier: MIT
// Open pages as tabs. A record opens once; more than what fits, or twelve, fold into a menu.
import { CloseOutlined, DownOutlined } from '../lib/icons';
import { App, Button, Dropdown } from 'antd';
import { useEffect, useRef } from 'react';
import { useCatalogue } from '../api/session';
import { useI18n } from '../i18n';
import { middleCut } from '../i18n/format';
import { closeTab, HOME, showTab, usePath, usePlace, type Tab } from '../lib/router';
import { PAGES } from './pages';

const TABS_SHOWN_MAX = 12;
const TITLE_CHARS_MAX = 14;
const SCROLL_AFTER_MS = 100;

export function useTabTitle(): (tab: Tab) => string {
  const { t, label, inside } = useI18n();
  const c = useCatalogue();
  return (tab) => {
    const page = PAGES.find((p) => p.path === tab.path);
    if (page) return t(page.title);
    const [, kind, name, id] = tab.path.split('/');
    const e = kind === 'e' ? c.entity(name ?? '') : undefined;
    if (!e) return tab.title || tab.path;
    if (!id) return label(c.plural(e));
    if (id === 'new') return t('ui.new_of', { ent: inside(e) });
    return tab.title || label(e);
  };
}

export function TabBar() {
  const { t } = useI18n();
  const path = usePath();
  const tabs = usePlace((p) => p.tabs);
  const titleOf = useTabTitle();
  const { modal } = App.useApp();
  const bar = useRef<HTMLDivElement>(null);
  // Once the page is drawn: before that, it would have to be laid out for this alone.
  useEffect(() => {
    const timer = setTimeout(() => bar.current?.querySelector('.fb-on')?.scrollIntoView({ inline: 'nearest', block: 'nearest' }), SCROLL_AFTER_MS);
    return () => clearTimeout(timer);
  }, [path, tabs]);
  const close = (tab: Tab) => {
    if (!tab.isDirty) return closeTab(tab.path);
    void modal.confirm({ title: t('form.leave'), content: t('form.leave_text'), okText: t('ui.close'), cancelText: t('ui.cancel'), onOk: () => closeTab(tab.path) });
  };
  const shown = tabs.slice(0, TABS_SHOWN_MAX);
  if (!shown.some((x) => x.path === path)) {
    const here = tabs.find((x) => x.path === path);
    if (here) shown[shown.length - 1] = here;
  }
  const folded = tabs.filter((x) => !shown.includes(x));
  return (
    <div className="fb-tabs" ref={bar} role="navigation" aria-label={t('ui.open_pages')}>
      {shown.map((tab) => {
        const title = titleOf(tab);
        return (
          <div key={tab.path} className={`fb-tab${tab.path === path ? ' fb-on' : ''}`}>
            <button type="button" aria-current={tab.path === path ? 'page' : undefined} title={title} onClick={() => showTab(tab)} onAuxClick={(e) => e.button === 1 && tab.path !== HOME && close(tab)}>
              {middleCut(title, TITLE_CHARS_MAX)}
              {tab.isDirty && <span aria-label={t('form.unsaved')}> *</span>}
            </button>
            {tab.path !== HOME && (
              <button type="button" aria-label={t('ui.close_of', { what: title })} onClick={() => close(tab)}>
                <CloseOutlined style={{ fontSize: 11 }} aria-hidden />
              </button>
            )}
          </div>
        );
      })}
      {folded.length > 0 && (
        <Dropdown trigger={['click']} menu={{ items: folded.map((x) => ({ key: x.path, label: titleOf(x), onClick: () => showTab(x) })) }}>
          <Button type="text" className="fb-tabs-more" icon={<DownOutlined />} aria-label={t('list.more_n', { n: folded.length })}>{folded.length}</Button>
        </Dropdown>
      )}
    </div>
  );
}
