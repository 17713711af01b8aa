// SPDX-License-Identifier: MIT
// Rows as a table: one tab stop for all of them (roving tabindex), arrows or j and k move, Space chooses, Enter opens.
import { Table as AntTable, type TableProps } from 'antd';
import { useEffect, useRef, useState, type Key as ReactKey, type KeyboardEvent } from 'react';
import { useCatalogue } from '../api/session';
import type { References, Row } from '../api/types';
import { isChoice, isNumber, namePair, type Entity, type Field } from '../catalogue/model';
import { i18n, roleLabel, useI18n } from '../i18n';
import { middleCut } from '../i18n/format';
import { isComposing, keyName, lettersOff } from '../lib/keys';
import { Link } from '../lib/Link';
import { navigate, openBehind, recordPath } from '../lib/router';
import { AtHeadquarters, Show } from '../value/Show';
import { MarkSign } from '../value/Marks';
import { valueText } from '../value/text';
import { sortOf } from './state';

const NAME_CHARS_MAX = 18;

export interface RowsProps {
  entity: Entity;
  columns: string[];
  rows: Row[];
  refs: References;
  sort: string;
  chosen: string[];
  onSort?: (sort: string) => void;
  onChosen?: (ids: string[]) => void;
  onMove?: (row: Row) => void;
  isLoading?: boolean;
  isPlain?: boolean;
}

export function rowTitle(entity: Entity, row: Row): string {
  const lang = i18n().lang;
  const pair = namePair(entity);
  const named = pair && (row[pair[lang === 'zh' ? 0 : 1]] || row[pair[lang === 'zh' ? 1 : 0]]);
  if (named) return String(named);
  if (entity.name === 'role' && row.name) return roleLabel(String(row.name))[lang];
  // What is named by a choice (a response, a connection) is named in the language of the page, which the node doesn't know.
  const fields = entity.title.map((n) => entity.fields.find((f) => f.name === n));
  if (fields.some((f) => f && isChoice(f))) {
    const words = fields.map((f) => f && (isChoice(f) ? i18n().label(f.choices?.find((o) => o.value === row[f.name])) : String(row[f.name] ?? '')));
    if (words.some(Boolean)) return words.filter(Boolean).join(' ');
  }
  return row._title ?? (entity.title.map((n) => row[n]).filter(Boolean).join(' ') || row.id.slice(0, 8));
}

export function Table(p: RowsProps) {
  const c = useCatalogue();
  const i = useI18n();
  const { entity } = p;
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const isTitle = (f: Field) => f.name === entity.title[0] || (entity.title.includes(f.name) && p.columns.find((n) => entity.title.includes(n)) === f.name);
  const firstTitle = p.columns.find((n) => entity.title.includes(n));
  // What the first column says already in the language of the page needs no column of its own.
  const said = firstTitle === entity.title[0] ? namePair(entity)?.[i.lang === 'zh' ? 0 : 1] : undefined;
  const fields = c.fields(entity.name, p.columns).filter((f) => (entity.title.includes(f.name) ? f.name === firstTitle : f.name !== said));
  useEffect(() => setAt((n) => Math.min(n, Math.max(0, p.rows.length - 1))), [p.rows.length]);

  // The row that measures columns repeats their heads, with the box that chooses all: hidden from all, keyboards too.
  useEffect(() => box.current?.querySelectorAll<HTMLElement>('.ant-table-measure-row').forEach((r) => (r.inert = true)));

  const columns: TableProps<Row>['columns'] = [
    {
      key: '_mark', width: 32, title: <span className="fb-sr">{i.t('list.mark')}</span>,
      render: (_: unknown, row: Row) => (row._mark ? <MarkSign mark={row._mark} /> : null),
    },
    ...fields.map((f) => ({
      key: f.name,
      title: isTitle(f) && entity.title.length > 1 ? i.label(entity) : i.label(f),
      className: isNumber(f) ? 'fb-right' : undefined,
      sorter: f.type !== 'calc' && p.onSort !== undefined,
      sortOrder: sortOf(p.sort, f.name),
      showSorterTooltip: false,
      ellipsis: false,
      render: (_: unknown, row: Row) => {
        if (isTitle(f)) {
          const title = rowTitle(entity, row);
          if (row.is_reference === true) return <AtHeadquarters title={title} />;
          return <Link to={recordPath(entity.name, row.id)} title={title}>{middleCut(title, NAME_CHARS_MAX)}</Link>;
        }
        const isLong = f.type === 'long' || f.type === 'text';
        if (isLong) return <span title={String(row[f.name] ?? '')}>{valueText(c, i, f, row[f.name], p.refs, row).slice(0, 60) || <span className="fb-quiet">–</span>}</span>;
        return <Show field={f} value={row[f.name]} refs={p.refs} row={row} />;
      },
    })),
  ];

  const move = (to: number) => {
    const next = Math.max(0, Math.min(p.rows.length - 1, to));
    setAt(next);
    box.current?.querySelectorAll<HTMLElement>('tr.ant-table-row')[next]?.focus();
  };
  const toggle = (id: string) => p.onChosen?.(p.chosen.includes(id) ? p.chosen.filter((x) => x !== id) : [...p.chosen, id]);
  const onKey = (e: KeyboardEvent, row: Row, n: number) => {
    if (e.target !== e.currentTarget || isComposing(e)) return;
    const key = keyName(e);
    if (key.length === 1 && key !== ' ' && lettersOff()) return;
    const acts: Record<string, () => void> = {
      ArrowDown: () => { if (e.shiftKey) toggle(row.id); move(n + 1); },
      ArrowUp: () => { if (e.shiftKey) toggle(row.id); move(n - 1); },
      j: () => move(n + 1),
      k: () => move(n - 1),
      Home: () => move(0),
      End: () => move(p.rows.length - 1),
      ' ': () => toggle(row.id),
      Enter: () => navigate(recordPath(entity.name, row.id)),
      'ctrl+Enter': () => openBehind(recordPath(entity.name, row.id), rowTitle(entity, row)),
      e: () => navigate(`${recordPath(entity.name, row.id)}?edit=1`),
      m: () => p.onMove?.(row),
    };
    const act = acts[key];
    if (!act) return;
    e.preventDefault();
    e.stopPropagation();
    act();
  };
  return (
    <div ref={box} className={p.isPlain ? undefined : 'fb-table'}>
      <AntTable<Row>
        rowKey="id"
        size="small"
        columns={columns}
        dataSource={p.rows}
        pagination={false}
        loading={p.isLoading && p.rows.length === 0}
        scroll={{ x: 'max-content' }}
        {...(p.onChosen && {
          rowSelection: {
            selectedRowKeys: p.chosen,
            onChange: (keys: ReactKey[]) => p.onChosen!(keys.map(String)),
            columnWidth: 36,
            getTitleCheckboxProps: () => ({ 'aria-label': i.t('list.choose_all') }),
            getCheckboxProps: (row: Row) => ({ 'aria-label': i.t('list.choose', { rec: rowTitle(entity, row) }), tabIndex: -1 }),
          },
        })}
        onChange={(_, __, sorter) => {
          const s = Array.isArray(sorter) ? sorter[0] : sorter;
          if (!s) return;
          p.onSort?.(s.order ? `${s.order === 'descend' ? '-' : ''}${String(s.columnKey)}` : '');
        }}
        onRow={(row, n = 0) => ({
          tabIndex: n === at ? 0 : -1,
          onFocus: () => setAt(n),
          onKeyDown: (e) => onKey(e, row, n),
          onClick: (e) => {
            const el = e.target as HTMLElement;
            if (el.closest('a, button, input, label, .ant-table-selection-column') || window.getSelection()?.toString()) return;
            if (e.ctrlKey) openBehind(recordPath(entity.name, row.id), rowTitle(entity, row));
            else navigate(recordPath(entity.name, row.id));
          },
        })}
      />
    </div>
  );
}
