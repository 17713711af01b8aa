// SPDX-License-Identifier: MIT
// The page of an address. Recent tabs stay mounted but hidden, so that scroll, filter and what was typed are still there
// when one comes back.
import { Result, Spin } from 'antd';
import { Activity, lazy, memo, Suspense, useRef, type ComponentType } from 'react';
import { useCatalogue, useSession } from '../api/session';
import { useI18n } from '../i18n';
import { FormPage } from '../form/FormPage';
import { ListPage } from '../list/ListPage';
import { usePath, usePlace } from '../lib/router';
import { MyDay } from '../pages/MyDay';
import { RecordPage } from '../record/RecordPage';
import { canSee, PAGES } from './pages';

const KEPT_MAX = 8;

const LAZY: Record<string, ComponentType> = {
  '/my-day': MyDay,
  '/sync': lazy(() => import('../pages/SyncPage')),
  '/receipts': lazy(() => import('../pages/Receipts')),
  '/held': lazy(() => import('../pages/HeldPage')),
  '/conflicts': lazy(() => import('../pages/Conflicts')),
  '/duplicates': lazy(() => import('../pages/Duplicates')),
  '/bin': lazy(() => import('../pages/Bin')),
  '/dashboards': lazy(() => import('../pages/Dashboards')),
  '/admin': lazy(() => import('../pages/Admin')),
  '/devices': lazy(() => import('../pages/Devices')),
  '/users': lazy(() => import('../pages/Users')),
  '/territories': lazy(() => import('../pages/Territories')),
  '/rules': lazy(() => import('../pages/Rules')),
  '/audit': lazy(() => import('../pages/Audit')),
  '/backups': lazy(() => import('../pages/Backups')),
};

/* Drawn anew by what it reads itself, not because an address or the name of a tab changed. */
const PageOf = memo(function PageOf({ path }: { path: string }) {
  const c = useCatalogue();
  const session = useSession();
  const [, kind, entity, id] = path.split('/');
  if (kind === 'e' && entity && c.entity(entity)) {
    if (!id) return <ListPage key={entity} entity={c.entity(entity)!} />;
    if (id === 'new') return <FormPage key={path} entity={c.entity(entity)!} />;
    return <RecordPage key={path} entity={c.entity(entity)!} id={id} />;
  }
  const info = PAGES.find((p) => p.path === path);
  const Page = LAZY[path];
  if (info && Page && canSee(info, session)) return <Page />;
  return <NotHere />;
});

function NotHere() {
  const { t } = useI18n();
  return <Result status="info" title={t('problem.no_page')} subTitle={t('problem.no_page_text')} />;
}

export function Pages() {
  const { t } = useI18n();
  const path = usePath();
  const tabs = usePlace((p) => p.tabs);
  const recent = useRef<string[]>([]);
  recent.current = [path, ...recent.current.filter((p) => p !== path && tabs.some((x) => x.path === p))].slice(0, KEPT_MAX);
  const kept = [...recent.current].sort();
  return (
    <>
      {kept.map((p) => (
        <Activity key={p} mode={p === path ? 'visible' : 'hidden'}>
          <main className="fb-page" id={p === path ? 'page' : undefined} tabIndex={-1}>
            <Suspense fallback={<Spin aria-label={t('ui.loading')} />}>
              <PageOf path={p} />
            </Suspense>
          </main>
        </Activity>
      ))}
    </>
  );
}
