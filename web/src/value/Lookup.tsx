// SPDX-License-Identifier: MIT
// Finds a record by name, pinyin or number as one types (on compositionend, not on half a syllable), recent ones first,
// and makes a new one on the spot.
import { PlusOutlined } from '../lib/icons';
import { Select } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { lookup } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { Found, RecordAnswer } from '../api/types';
import { useI18n } from '../i18n';
import { newest } from '../lib/newest';
import { useQuickCreate } from '../form/quick';
import { clearing } from './clear';
import { secondWords, titleWords } from './text';

export interface LookupProps {
  id?: string;
  target: string;
  value: string | null;
  title?: string;
  onChange: (id: string | null, title: string) => void;
  isDisabled?: boolean;
  describedBy?: string;
  label?: string;
  isInvalid?: boolean;
  width?: number | string;
  canCreate?: boolean;
  autoFocus?: boolean;
  placeholder?: string;
}

export function Lookup(p: LookupProps) {
  const i = useI18n();
  const { t, label, inside } = i;
  const c = useCatalogue();
  const session = useSession();
  const create = useQuickCreate();
  const [found, setFound] = useState<Found[]>([]);
  const [typed, setTyped] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [picked, setPicked] = useState<{ id: string; title: string } | null>(null);
  const composing = useRef(false);
  const entity = c.entity(p.target);

  const find = useMemo(() => newest((q: string) => lookup(p.target, q), (rows) => setFound(rows === null ? [] : Array.isArray(rows) ? rows : (rows as { rows: Found[] }).rows)), [p.target]);
  useEffect(() => {
    if (isOpen && !composing.current) find.ask(typed);
  }, [typed, isOpen, find]);

  const known = (picked?.id === p.value ? picked?.title : undefined) || p.title || found.find((f) => f.id === p.value)?.title || (p.value === session.user.id ? session.user.name : '');
  // A reference that a form was given without its title (a new line, a new activity of a company).
  const asking = useQuery({ queryKey: ['record', p.target, p.value], queryFn: () => api.get<RecordAnswer>(`/${p.target}/${p.value}`), enabled: p.value !== null && p.value !== '' && !known, retry: false });
  const row = asking.data?.row;
  const title = known || (row ? (row._title ?? (entity?.title ?? []).map((n) => row[n]).filter(Boolean).join(' ')) : '');
  const words = (id: string, title: string) => titleWords(c, i, p.target, id, title);
  const options = found.map((f) => ({ value: f.id, title: words(f.id, f.title), label: <Option found={f} title={words(f.id, f.title)} second={secondWords(c, i, p.target, f.second)} hq={t('term.details_at_hq')} /> }));
  const own = p.value ? words(p.value, title) : '';
  if (p.value && !found.some((f) => f.id === p.value)) options.unshift({ value: p.value, title: own, label: <>{own || '…'}</> });
  const canCreate = p.canCreate !== false && entity && may(session, p.target, 'create') && p.target !== 'employee';
  const makeNew = async () => {
    setOpen(false);
    const made = await create(p.target, typed);
    if (!made) return;
    setPicked(made);
    p.onChange(made.id, made.title);
  };

  return (
    <span style={{ display: 'block', width: p.width ?? '100%' }} onCompositionStart={() => (composing.current = true)} onCompositionEnd={(e) => {
      composing.current = false;
      setTyped((e.target as HTMLInputElement).value);
    }}>
      <Select
        id={p.id}
        style={{ width: '100%' }}
        aria-label={p.label}
        aria-describedby={p.describedBy}
        status={p.isInvalid ? 'error' : undefined}
        showSearch={{ filterOption: false, searchValue: typed, onSearch: setTyped }}
        allowClear={clearing()}
        autoFocus={p.autoFocus}
        disabled={p.isDisabled}
        value={p.value ?? undefined}
        open={isOpen}
        onOpenChange={(open) => {
          setOpen(open);
          if (!open) setTyped('');
        }}
        placeholder={p.placeholder ?? t('form.lookup_hint')}
        optionLabelProp="title"
        options={options}
        popupMatchSelectWidth={320}
        notFoundContent={<span className="fb-quiet">{typed ? t('form.nothing_found') : t('ui.none')}</span>}
        onChange={(id: string | undefined) => {
          const hit = found.find((f) => f.id === id);
          setPicked(hit ? { id: hit.id, title: hit.title } : null);
          p.onChange(id ?? null, hit?.title ?? '');
        }}
        popupRender={(menu) => (
          <>
            {menu}
            {canCreate && (
              <button type="button" className="fb-option" onMouseDown={(e) => e.preventDefault()} onClick={() => void makeNew()}>
                <PlusOutlined aria-hidden /> {typed ? t('form.create_named', { ent: label(entity), name: typed }) : t('ui.new_of', { ent: inside(entity) })}
              </button>
            )}
          </>
        )}
      />
    </span>
  );
}

function Option({ found, title, second, hq }: { found: Found; title: string; second: string; hq: string }) {
  return (
    <span style={{ display: 'flex', gap: 8 }} className={found.is_reference ? 'fb-quiet' : undefined}>
      <span style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{title}</span>
      <span className="fb-quiet" style={{ marginLeft: 'auto', fontSize: 12 }}>{found.is_reference ? hq : second}</span>
    </span>
  );
}
