// SPDX-License-Identifier: MIT
// The pages that are not lists of an entity: address, title, module, and who sees them.
import type { Session } from '../api/types';
import type { Key } from '../i18n';

export interface PageInfo { path: string; title: Key; module: string; who?: 'admin' | 'server' | 'replica' }

export const PAGES: PageInfo[] = [
  { path: '/my-day', title: 'page.my_day', module: '' },
  { path: '/dashboards', title: 'page.dashboards', module: 'reports' },
  { path: '/sync', title: 'page.sync', module: 'sync' },
  { path: '/receipts', title: 'page.receipts', module: 'sync' },
  { path: '/held', title: 'page.held', module: 'sync' },
  { path: '/conflicts', title: 'page.conflicts', module: 'sync' },
  { path: '/duplicates', title: 'page.duplicates', module: 'customers' },
  // Deleted records rest at headquarters; on a laptop they are gone.
  { path: '/bin', title: 'page.bin', module: 'sync', who: 'server' },
  { path: '/admin', title: 'page.admin', module: 'admin', who: 'admin' },
  { path: '/devices', title: 'page.devices', module: 'admin', who: 'admin' },
  { path: '/users', title: 'page.users', module: 'admin', who: 'admin' },
  { path: '/territories', title: 'page.territories', module: 'admin', who: 'admin' },
  { path: '/rules', title: 'page.rules', module: 'admin', who: 'admin' },
  { path: '/audit', title: 'page.audit', module: 'admin', who: 'admin' },
  { path: '/backups', title: 'page.backups', module: 'admin', who: 'admin' },
];

/* Administration is done at headquarters: on a laptop its pages are absent. */
export function canSee(p: PageInfo, session: Session): boolean {
  if (p.who === 'admin') return session.is_admin && session.node === 'server';
  if (p.who) return session.node === p.who;
  return true;
}

export const pagesOf = (module: string, session: Session) => PAGES.filter((p) => p.module === module && canSee(p, session));
