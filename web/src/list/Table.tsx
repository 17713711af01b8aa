// SPDX-License-Identifier: MIT
// Rows as a table: one tab stop for all of them (roving tabindex), arrows or j and k move, Space chooses, Enter opens. Plain
// elements: Ant Design's table needs four times the time for the same fifty rows.
import { Spin } from 'antd';
import { memo, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode, type RefObject } from 'react';
import { useCatalogue } from '../api/session';
import type { References, Row } from '../api/types';
import { halfOf, isChoice, isNumber, namePair, type Entity, type Field } from '../catalogue/model';
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
const TEXT_CHARS_MAX = 60;
const WORDS_CHARS_MAX = 240; // conditions, over several lines

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
  // What has no name of its own is called what it is; the node has but a piece of its number.
  if (entity.title.length === 0) return i18n().label(entity);
  // What is named by a choice (a response, a connection) is named in the language of the page, which the node doesn't know.
  const fields = entity.title.map((n) => entity.fields.find((f) => f.name === n));
  if (fields.some((f) => f && isChoice(f))) {
    const words = fields.map((f) => f && (isChoice(f) ? i18n().label(f.choices?.find((o) => o.value === row[f.name])) : String(row[f.name] ?? '')));
    if (words.some(Boolean)) return words.filter(Boolean).join(' ');
  }
  return halfOf(entity, row._title ?? (entity.title.map((n) => row[n]).filter(Boolean).join(' ') || row.id.slice(0, 8)), lang);
}

function useFields(entity: Entity, columns: string[]): Field[] {
  const c = useCatalogue();
  const { lang } = useI18n();
  const names = columns.join();
  return useMemo(() => {
    const firstTitle = columns.find((n) => entity.title.includes(n));
    // What the first column says already in the language of the page needs no column of its own.
    const said = firstTitle === entity.title[0] ? namePair(entity)?.[lang === 'zh' ? 0 : 1] : undefined;
    return c.fields(entity.name, columns).filter((f) => (entity.title.includes(f.name) ? f.name === firstTitle : f.name !== said));
  }, [c, entity, names, lang]); // eslint-disable-line
}

/* What lines do; the same object for all of them and for ever, so that a line is drawn anew only when it changed. */
interface Acts {
  onFocus: (n: number) => void;
  onKey: (e: KeyboardEvent, row: Row, n: number) => void;
  onClick: (e: MouseEvent, row: Row) => void;
  onChoose: (id: string, n: number, isRange: boolean) => void;
}

interface LineProps { entity: Entity; fields: Field[]; row: Row; refs: References; n: number; isStop: boolean; isChosen?: boolean; acts: RefObject<Acts> }

const Line = memo(function Line({ entity, fields, row, refs, n, isStop, isChosen, acts }: LineProps) {
  const i = useI18n();
  return (
    <tr
      className={isChosen ? 'fb-line fb-chosen' : 'fb-line'}
      data-row-key={row.id}
      tabIndex={isStop ? 0 : -1}
      onFocus={() => acts.current.onFocus(n)}
      onKeyDown={(e) => acts.current.onKey(e, row, n)}
      onClick={(e) => acts.current.onClick(e, row)}
    >
      {isChosen !== undefined && (
        <td className="fb-choose">
          <input type="checkbox" tabIndex={-1} checked={isChosen} aria-label={i.t('list.choose', { rec: rowTitle(entity, row) })} onChange={(e) => acts.current.onChoose(row.id, n, (e.nativeEvent as PointerEvent).shiftKey)} />
        </td>
      )}
      <td className="fb-marks">{row._mark ? <MarkSign mark={row._mark} /> : null}</td>
      {fields.map((f) => <td key={f.name} className={isNumber(f) ? 'fb-right' : f.type === 'json' ? 'fb-words' : undefined}><Value entity={entity} field={f} row={row} refs={refs} /></td>)}
    </tr>
  );
});

function Value({ entity, field, row, refs }: { entity: Entity; field: Field; row: Row; refs: References }) {
  const c = useCatalogue();
  const i = useI18n();
  if (entity.title.includes(field.name)) {
    const title = rowTitle(entity, row);
    if (row.is_reference === true) return <AtHeadquarters title={title} />;
    return <Link to={recordPath(entity.name, row.id)} title={title}>{middleCut(title, NAME_CHARS_MAX)}</Link>;
  }
  if (['long', 'text', 'json'].includes(field.type)) {
    const text = valueText(c, i, field, row[field.name], refs, row);
    return <span title={text}>{text.slice(0, field.type === 'json' ? WORDS_CHARS_MAX : TEXT_CHARS_MAX) || <span className="fb-quiet">–</span>}</span>;
  }
  return <Show field={field} value={row[field.name]} refs={refs} row={row} />;
}

function Head({ entity, fields, sort, onSort, children }: Pick<RowsProps, 'entity' | 'sort' | 'onSort'> & { fields: Field[]; children?: ReactNode }) {
  const i = useI18n();
  const cell = (f: Field) => {
    const words = entity.title.length > 1 && entity.title.includes(f.name) ? i.label(entity) : i.label(f);
    const order = sortOf(sort, f.name);
    // Up, down, as the list came.
    const next = order === null ? f.name : order === 'ascend' ? `-${f.name}` : '';
    return (
      <th key={f.name} scope="col" className={isNumber(f) ? 'fb-right' : undefined} aria-sort={order === 'ascend' ? 'ascending' : order === 'descend' ? 'descending' : undefined}>
        {onSort && f.type !== 'calc' ? <button type="button" onClick={() => onSort(next)}>{words}<span aria-hidden>{order === 'ascend' ? '▲' : order === 'descend' ? '▼' : ''}</span></button> : words}
      </th>
    );
  };
  return (
    <thead>
      <tr>
        {children}
        <th scope="col" className="fb-marks"><span className="fb-sr">{i.t('list.mark')}</span></th>
        {fields.map(cell)}
      </tr>
    </thead>
  );
}

export function Table(p: RowsProps) {
  const i = useI18n();
  const { entity, rows } = p;
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const lastChosen = useRef(0);
  const fields = useFields(entity, p.columns);
  const stop = Math.min(at, Math.max(0, rows.length - 1));

  const move = (to: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    setAt(next);
    box.current?.querySelectorAll<HTMLElement>('tr.fb-line')[next]?.focus();
  };
  const toggle = (id: string) => p.onChosen?.(p.chosen.includes(id) ? p.chosen.filter((x) => x !== id) : [...p.chosen, id]);
  const acts = useRef<Acts>(null!);
  acts.current = {
    onFocus: setAt,
    onChoose: (id, n, isRange) => {
      const [from, to] = [Math.min(n, lastChosen.current), Math.max(n, lastChosen.current)];
      lastChosen.current = n;
      if (isRange) p.onChosen?.([...new Set([...p.chosen, ...rows.slice(from, to + 1).map((r) => r.id)])]);
      else toggle(id);
    },
    onClick: (e, row) => {
      const el = e.target as HTMLElement;
      if (el.closest('a, button, input, label, .fb-choose') || window.getSelection()?.toString()) return;
      if (e.ctrlKey) openBehind(recordPath(entity.name, row.id), rowTitle(entity, row));
      else navigate(recordPath(entity.name, row.id));
    },
    onKey: (e, row, n) => {
      if (e.target !== e.currentTarget || isComposing(e)) return;
      const key = keyName(e);
      if (key.length === 1 && key !== ' ' && lettersOff()) return;
      const keys: Record<string, () => void> = {
        ArrowDown: () => { if (e.shiftKey) toggle(row.id); move(n + 1); },
        ArrowUp: () => { if (e.shiftKey) toggle(row.id); move(n - 1); },
        j: () => move(n + 1),
        k: () => move(n - 1),
        Home: () => move(0),
        End: () => move(rows.length - 1),
        ' ': () => toggle(row.id),
        Enter: () => navigate(recordPath(entity.name, row.id)),
        'ctrl+Enter': () => openBehind(recordPath(entity.name, row.id), rowTitle(entity, row)),
        e: () => navigate(`${recordPath(entity.name, row.id)}?edit=1`),
        m: () => p.onMove?.(row),
      };
      const act = keys[key];
      if (!act) return;
      e.preventDefault();
      e.stopPropagation();
      act();
    },
  };
  const isSome = p.chosen.length > 0 && p.chosen.length < rows.length;
  return (
    <div ref={box} className={p.isPlain ? 'fb-scroll' : 'fb-table fb-scroll'}>
      <table className="fb-lines">
        <Head entity={entity} fields={fields} sort={p.sort} onSort={p.onSort}>
          {p.onChosen && (
            <th className="fb-choose">
              <input type="checkbox" ref={(e) => void (e && (e.indeterminate = isSome))} checked={rows.length > 0 && p.chosen.length === rows.length} aria-label={i.t('list.choose_all')} onChange={(e) => p.onChosen!(e.target.checked ? rows.map((r) => r.id) : [])} />
            </th>
          )}
        </Head>
        <tbody>
          {rows.map((row, n) => <Line key={row.id} entity={entity} fields={fields} row={row} refs={p.refs} n={n} isStop={n === stop} isChosen={p.onChosen && p.chosen.includes(row.id)} acts={acts} />)}
        </tbody>
      </table>
      {p.isLoading && rows.length === 0 && <div className="fb-wait"><Spin aria-label={i.t('ui.loading')} /></div>}
    </div>
  );
}
