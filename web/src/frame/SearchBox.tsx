// SPDX-License-Identifier: MIT
// One box for everything (Ctrl+K or /): records five per entity, then pages and actions; what was opened lately when
// empty. Names at headquarters come last and grey.
import { SearchOutlined } from '../lib/icons';
import { AutoComplete, Input, type InputRef } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api } from '../api/client';
import { may, useCatalogue, useSession } from '../api/session';
import type { Found } from '../api/types';
import { useI18n } from '../i18n';
import { useKeys } from '../lib/keys';
import { newest } from '../lib/newest';
import { navigate, openTabs, recordPath } from '../lib/router';
import { secondWords, titleWords } from '../value/text';
import { canSee, PAGES } from './pages';
import { useTabTitle } from './TabBar';

export function SearchBox() {
  const i = useI18n();
  const { t, label, inside } = i;
  const c = useCatalogue();
  const session = useSession();
  const titleOf = useTabTitle();
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<Found[]>([]);
  const [isOpen, setOpen] = useState(false);
  const composing = useRef(false);
  const box = useRef<InputRef>(null);
  const find = useMemo(() => newest((q: string) => api.get<Found[] | { rows: Found[] }>('/search', { q, limit: 5 }), (a) => setFound(a === null ? [] : Array.isArray(a) ? a : a.rows)), []);

  useEffect(() => {
    if (composing.current || typed.trim() === '') {
      find.drop();
      setFound([]);
    } else find.ask(typed.trim());
  }, [typed, find]);

  const focus = () => {
    box.current?.focus({ cursor: 'all' });
    setOpen(true);
  };
  useKeys({ 'ctrl+k': focus, '/': focus });

  const item = (key: string, title: string, second = '', isGrey = false) => ({
    value: key,
    label: (
      <span style={{ display: 'flex', gap: 12 }} className={isGrey ? 'fb-quiet' : undefined}>
        <span style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{title}</span>
        <span className="fb-quiet" style={{ marginLeft: 'auto', fontSize: 12 }}>{second}</span>
      </span>
    ),
  });
  const groups: { label: string; options: ReturnType<typeof item>[] }[] = [];
  const q = typed.trim().toLowerCase();
  if (q === '' && isOpen) {
    const recent = openTabs().filter((x) => x.path.split('/').length > 3 && !x.path.endsWith('/new')).slice(-8).reverse();
    if (recent.length > 0) groups.push({ label: t('ui.recent'), options: recent.map((x) => item(x.path, titleOf(x))) });
  }
  const own = found.filter((f) => !f.is_reference);
  const words = (f: Found) => titleWords(c, i, f.entity ?? '', f.id, f.title);
  // What an administrator sets up is no find for others, people excepted.
  for (const e of c.entities.filter((x) => session.is_admin || x.module !== 'admin' || x.name === 'employee')) {
    const rows = own.filter((f) => f.entity === e.name);
    if (rows.length > 0) groups.push({ label: label(e), options: rows.map((f) => item(recordPath(e.name, f.id), words(f), secondWords(c, i, e.name, f.second))) });
  }
  const far = found.filter((f) => f.is_reference);
  if (far.length > 0) groups.push({ label: t('term.details_at_hq'), options: far.map((f) => item(`far/${f.entity}/${f.id}`, words(f), secondWords(c, i, f.entity ?? '', f.second), true)) });
  const pages = PAGES.filter((p) => canSee(p, session) && (q === '' || t(p.title).toLowerCase().includes(q))).map((p) => item(p.path, t(p.title)));
  const lists = q === '' ? [] : c.entities.filter((e) => e.module && label(c.plural(e)).toLowerCase().includes(q)).map((e) => item(`/e/${e.name}`, label(c.plural(e))));
  const actions = q === '' ? [] : c.entities
    .filter((e) => e.module && may(session, e.name, 'create') && !e.append_only && t('ui.new_of', { ent: inside(e) }).toLowerCase().includes(q))
    .slice(0, 5).map((e) => item(`/e/${e.name}/new`, t('ui.new_of', { ent: inside(e) })));
  if (q !== '' && pages.length + lists.length + actions.length > 0) groups.push({ label: t('ui.pages_actions'), options: [...lists, ...pages, ...actions].slice(0, 10) });

  return (
    <div className="fb-search" role="search" onCompositionStart={() => (composing.current = true)} onCompositionEnd={(e) => {
      composing.current = false;
      setTyped((e.target as HTMLInputElement).value);
    }}>
      <AutoComplete
        style={{ width: '100%' }}
        options={groups}
        value={typed}
        open={isOpen && groups.length > 0}
        onOpenChange={setOpen}
        onChange={(v: string) => !/^\/|^far\//.test(v) && setTyped(v)}
        defaultActiveFirstOption
        onSelect={(key: string) => {
          setTyped('');
          setOpen(false);
          if (key.startsWith('/')) navigate(key);
          (document.activeElement as HTMLElement | null)?.blur();
        }}
        popupMatchSelectWidth={480}
      >
        <Input ref={box} prefix={<SearchOutlined aria-hidden />} placeholder={t('ui.search_hint')} aria-label={t('ui.search_hint')} onFocus={() => setOpen(true)} onKeyDown={(e) => e.key === 'Escape' && (e.currentTarget as HTMLInputElement).blur()} />
      </AutoComplete>
    </div>
  );
}
