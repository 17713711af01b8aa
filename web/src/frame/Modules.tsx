// SPDX-License-Identifier: MIT
// The modules on the left, in the founding document's order, from the catalogue; pages of synchronisation and, by right,
// of administration are added to their modules.
import {
  AppstoreOutlined, BarChartOutlined, BookOutlined, CalendarOutlined, CustomerServiceOutlined, FileTextOutlined, HomeOutlined,
  MenuFoldOutlined, MenuUnfoldOutlined, NotificationOutlined, SettingOutlined, ShoppingOutlined, SyncOutlined, TeamOutlined,
} from '../lib/icons';
import { Button, Menu, type MenuProps } from 'antd';
import { useMemo, useState, type ReactNode } from 'react';
import { useCatalogue, useSession } from '../api/session';
import type { Session } from '../api/types';
import type { Catalogue } from '../catalogue/model';
import { useI18n, type I18n } from '../i18n';
import { useMedia } from '../lib/media';
import { HOME, listPath, navigate, openBehind, usePlace } from '../lib/router';
import { pagesOf } from './pages';

const ICONS: Record<string, ReactNode> = {
  customers: <TeamOutlined />, products: <ShoppingOutlined />, knowledge: <BookOutlined />, marketing: <NotificationOutlined />,
  activities: <CalendarOutlined />, orders: <FileTextOutlined />, support: <CustomerServiceOutlined />, reports: <BarChartOutlined />,
  sync: <SyncOutlined />, admin: <SettingOutlined />,
};
// Entities whose rows are read on the pages made for them, not as a bare list.
const HAVE_PAGES = new Set(['conflict', 'held_change', 'receipt', 'found_value', 'device', 'duplicate', 'audit']);
const FOLDED = 'fb.modules_folded';
const OPEN = 'fb.modules_open';

/* The same for as long as nobody's rights and no language change: Ant Design goes through all of them whenever they are others. */
function menuItems(c: Catalogue, session: Session, { t, label }: I18n): MenuProps['items'] {
  const items: MenuProps['items'] = [{ key: HOME, icon: <HomeOutlined />, label: t('page.my_day') }];
  const modules = [...c.modules];
  if (!modules.some((m) => m.key === 'reports')) {
    const at = modules.findIndex((m) => m.key === 'sync' || m.key === 'admin');
    modules.splice(at < 0 ? modules.length : at, 0, { key: 'reports', en: 'Queries and reports', zh: '查询和报表', entities: [] });
  }
  for (const key of ['sync', 'admin']) {
    if (!modules.some((m) => m.key === key)) modules.push({ key, en: key === 'sync' ? 'Sync' : 'Administration', zh: key === 'sync' ? '同步' : '管理', entities: [] });
  }
  for (const m of modules) {
    const pages = pagesOf(m.key, session);
    const entities = m.entities.filter((n) => !HAVE_PAGES.has(n) && (m.key !== 'admin' || session.is_admin || n === 'employee'));
    const children = [
      ...entities.map((n) => ({ key: listPath(n), label: label(c.plural(c.entity(n)!)) })),
    ];
    // Work on customers begins with customers; synchronisation and administration begin with their pages.
    children[m.key === 'customers' ? 'push' : 'unshift'](...pages.map((p) => ({ key: p.path, label: t(p.title) })));
    if (children.length > 0) items.push({ key: m.key, icon: ICONS[m.key] ?? <AppstoreOutlined />, label: label(m), children });
  }
  return items;
}

export function Modules() {
  const i = useI18n();
  const { t } = i;
  const c = useCatalogue();
  const session = useSession();
  const chosen = usePlace((p) => (p.path.startsWith('/e/') ? listPath(p.path.split('/')[2]!) : p.path));
  const [chosenFold, setFold] = useState(() => localStorage.getItem(FOLDED));
  // Where there is little room the names fold away by themselves, until somebody wants them.
  const isNarrow = useMedia('(max-width: 800px)');
  const isFolded = chosenFold ? chosenFold === '1' : isNarrow;
  const [open, setOpen] = useState<string[]>(() => JSON.parse(localStorage.getItem(OPEN) ?? '["customers","activities"]') as string[]);
  const items = useMemo(() => menuItems(c, session, i), [c, session, i]);
  return (
    <nav className="fb-side" style={{ width: isFolded ? 56 : 224 }} aria-label={t('ui.modules')}>
      <Menu
        mode="inline"
        inlineCollapsed={isFolded}
        inlineIndent={18}
        items={items}
        selectedKeys={[chosen]}
        {...(!isFolded && { openKeys: open })}
        onOpenChange={(keys) => {
          setOpen(keys);
          localStorage.setItem(OPEN, JSON.stringify(keys));
        }}
        onClick={({ key, domEvent }) => ((domEvent as { ctrlKey?: boolean }).ctrlKey ? openBehind(key) : navigate(key))}
        style={{ borderInlineEnd: 0 }}
      />
      <Button
        type="text"
        style={{ margin: 8 }}
        icon={isFolded ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
        aria-label={t(isFolded ? 'ui.unfold' : 'ui.fold')}
        onClick={() => {
          const next = isFolded ? '0' : '1';
          localStorage.setItem(FOLDED, next);
          setFold(next);
        }}
      />
    </nav>
  );
}
