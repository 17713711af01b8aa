// SPDX-License-Identifier: MIT
// Saved views and the choice of columns: both kept in this browser, per person.
import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined } from '../lib/icons';
import { Button, Checkbox, Input, Popover, Select } from 'antd';
import { useState } from 'react';
import { useCatalogue, useSession } from '../api/session';
import type { Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { isComposing } from '../lib/keys';
import { keepViews, savedViews, type ListState, type SavedView } from './state';

const COLUMNS_MAX = 16;

export function ViewMenu({ entity, state, columns, onPick }: { entity: Entity; state: ListState; columns: string[]; onPick: (s: Partial<ListState>, columns?: string[]) => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const [views, setViews] = useState<SavedView[]>(() => savedViews(session.user.id, entity.name));
  const [name, setName] = useState('');
  const keep = (next: SavedView[]) => {
    setViews(next);
    keepViews(session.user.id, entity.name, next);
  };
  const save = () => {
    const title = name.trim();
    if (!title) return;
    keep([...views.filter((v) => v.name !== title), { name: title, filter: state.filter, sort: state.sort, columns, shape: state.shape }]);
    setName('');
    onPick({ view: `saved:${title}` });
  };
  const options = [
    ...(c.ownerField(entity) ? [{ value: 'mine', label: i.t('list.mine') }] : []),
    { value: 'all', label: i.t('list.all') },
    ...views.map((v) => ({ value: `saved:${v.name}`, label: v.name })),
  ];
  return (
    <Select
      aria-label={i.t('list.view')}
      style={{ width: 132 }}
      value={options.some((o) => o.value === state.view) ? state.view : 'all'}
      popupMatchSelectWidth={240}
      options={options}
      onChange={(view: string) => {
        const v = views.find((x) => `saved:${x.name}` === view);
        if (v) onPick({ view, filter: v.filter, sort: v.sort, shape: v.shape }, v.columns);
        else onPick({ view });
      }}
      optionRender={(o) => (
        <span style={{ display: 'flex', alignItems: 'center' }}>
          <span className="fb-grow">{o.label}</span>
          {String(o.value).startsWith('saved:') && (
            <Button type="text" size="small" icon={<DeleteOutlined />} aria-label={i.t('list.forget_view', { what: String(o.label) })} onClick={(e) => {
              e.stopPropagation();
              keep(views.filter((v) => `saved:${v.name}` !== o.value));
              if (state.view === o.value) onPick({ view: 'all' });
            }} />
          )}
        </span>
      )}
      popupRender={(menu) => (
        <>
          {menu}
          <div style={{ display: 'flex', gap: 6, padding: 8, borderTop: '1px solid var(--fb-split)' }}>
            <Input size="small" value={name} maxLength={40} placeholder={i.t('list.save_view_as')} aria-label={i.t('list.save_view_as')} onChange={(e) => setName(e.target.value)} onKeyDown={(e) => { e.stopPropagation(); if (e.key === 'Enter' && !isComposing(e)) save(); }} />
            <Button size="small" disabled={!name.trim()} onClick={save}>{i.t('ui.save')}</Button>
          </div>
        </>
      )}
    />
  );
}

export function ColumnMenu({ entity, columns, onChange }: { entity: Entity; columns: string[]; onChange: (columns: string[] | null) => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const stamps = ['created_at', 'created_by', 'modified_at', 'modified_by'].map((n) => c.field(entity.name, n)!);
  const rest = [...entity.fields.filter((f) => f.type !== 'blob' && f.type !== 'json'), ...stamps].filter((f) => !columns.includes(f.name));
  const shift = (n: number, by: number) => {
    const next = [...columns];
    const [name] = next.splice(n, 1);
    next.splice(n + by, 0, name!);
    onChange(next);
  };
  const body = (
    <div style={{ width: 260, maxHeight: 420, overflow: 'auto' }}>
      <ul className="fb-rows">
        {c.fields(entity.name, columns).map((f, n) => (
          <li key={f.name} style={{ padding: '1px 0' }}>
            <span className="fb-grow"><Checkbox checked disabled={columns.length === 1} onChange={() => onChange(columns.filter((x) => x !== f.name))}>{i.label(f)}</Checkbox></span>
            <Button type="text" size="small" disabled={n === 0} icon={<ArrowUpOutlined />} aria-label={i.t('list.column_up', { f: i.label(f) })} onClick={() => shift(n, -1)} />
            <Button type="text" size="small" disabled={n === columns.length - 1} icon={<ArrowDownOutlined />} aria-label={i.t('list.column_down', { f: i.label(f) })} onClick={() => shift(n, 1)} />
          </li>
        ))}
        {rest.map((f) => (
          <li key={f.name} style={{ padding: '1px 0' }}>
            <Checkbox checked={false} disabled={columns.length >= COLUMNS_MAX} onChange={() => onChange([...columns, f.name])}>{i.label(f)}</Checkbox>
          </li>
        ))}
      </ul>
      <Button type="link" onClick={() => onChange(null)}>{i.t('list.columns_usual')}</Button>
    </div>
  );
  return (
    <Popover trigger="click" placement="bottomRight" content={body}>
      <Button>{i.t('list.columns')}</Button>
    </Popover>
  );
}
