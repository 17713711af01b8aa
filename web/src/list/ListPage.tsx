// SPDX-License-Identifier: MIT
import { PlusOutlined } from '../lib/icons';
import { App, Button, Input, Result, Segmented, Select } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { seen, useArrivals } from '../api/arrivals';
import { client, getList, useGroup, useList } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { Clause, References, Row } from '../api/types';
import { isChoice, type Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { decimal, money } from '../i18n/format';
import { useKeys } from '../lib/keys';
import { navigate } from '../lib/router';
import { problemSentence } from '../lib/problem';
import { Board } from './Board';
import { Bulk, SetDialog, useBulk } from './Bulk';
import { Calendar } from './Calendar';
import { csv, download } from './csv';
import { FilterBar } from './FilterBar';
import { askedFilter, keepColumns, keptColumns, shownColumns, useListState, usualView, type Shape } from './state';
import { Table } from './Table';
import { ColumnMenu, ViewMenu } from './ViewMenus';
import { valueText } from '../value/text';
import { rememberOrder } from './neighbours';
import { clearing } from '../value/clear';

const PAGE_ROWS = 50;
const EXPORT_ROWS_MAX = 5000;
const NO_ROWS: Row[] = [];
const NO_REFERENCES: References = {};
const NO_CURSORS: string[] = [];

export function ListPage({ entity }: { entity: Entity }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const { message } = App.useApp();
  const [state, change] = useListState(entity);
  const [columns, setColumns] = useState(() => keptColumns(session.user.id, entity.name));
  const [turned, setTurned] = useState<{ of: string; cursors: string[] }>({ of: '', cursors: NO_CURSORS });
  const [chosen, setChosen] = useState<string[]>([]);
  const [group, setGroup] = useState<string>('');
  const [moving, setMoving] = useState<Row | null>(null);
  const [typed, setTyped] = useState(state.q);
  const composing = useRef(false);
  const shown = shownColumns(c, entity, columns);
  const filter = askedFilter(c, entity, state);
  // Pages turned belong to one question: another filter or order begins with its first page, in one request.
  const asked = JSON.stringify([filter, state.sort, state.q]);
  const cursors = turned.of === asked ? turned.cursors : NO_CURSORS;
  const ask = { filter, sort: state.sort || undefined, q: state.q || undefined, limit: PAGE_ROWS, cursor: cursors[cursors.length - 1] ?? null };
  const list = useList(entity.name, ask, state.shape === 'table');
  const rows = list.data?.rows ?? NO_ROWS;
  const refs = list.data?.references ?? NO_REFERENCES;
  const arrivals = useArrivals(entity.name);
  const bulk = useBulk(entity, rows);
  useEffect(() => setChosen((ids) => (ids.length > 0 ? [] : ids)), [asked]);
  useEffect(() => rememberOrder(entity.name, rows.map((r) => r.id)), [entity.name, rows]);
  useEffect(() => {
    if (composing.current || typed === state.q) return undefined;
    const timer = setTimeout(() => change({ q: typed }), 200);
    return () => clearTimeout(timer);
  }, [typed]); // eslint-disable-line

  const canCreate = may(session, entity.name, 'create') && !entity.append_only;
  const create = () => navigate(`/e/${entity.name}/new`);
  const next = () => list.data?.next && setTurned({ of: asked, cursors: [...cursors, list.data.next] });
  const before = () => setTurned({ of: asked, cursors: cursors.slice(0, -1) });
  const pickColumns = (names: string[] | null) => {
    setColumns(names);
    keepColumns(session.user.id, entity.name, names);
  };
  useKeys({ ...(canCreate && { n: create }), ']': next, '[': before });
  const show = () => {
    seen(entity.name);
    void client.invalidateQueries({ queryKey: ['rows', entity.name] });
  };

  const exportAll = async () => {
    const fields = c.fields(entity.name, shown);
    const lines: string[][] = [fields.map((f) => i.label(f))];
    try {
      for (let cursor: string | null = null, n = 0; n < EXPORT_ROWS_MAX / 200; n++) {
        const page = await getList(entity.name, { ...ask, limit: 200, cursor });
        for (const r of page.rows) lines.push(fields.map((f) => valueText(c, i, f, r[f.name], page.references, r)));
        cursor = page.next;
        if (!cursor) break;
      }
      download(`${i.label(c.plural(entity))}.csv`, csv(lines));
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
  };
  const shapes: { value: Shape; label: string }[] = [
    { value: 'table', label: i.t('list.table') },
    ...(entity.layout.kanban && c.field(entity.name, entity.layout.kanban) ? [{ value: 'board' as const, label: i.t('list.board') }] : []),
    ...(entity.layout.calendar ? [{ value: 'calendar' as const, label: i.t('list.calendar') }] : []),
  ];
  const stageField = entity.layout.kanban ? c.field(entity.name, entity.layout.kanban) : undefined;
  const total = list.data?.total;
  const from = cursors.length * PAGE_ROWS + 1;
  const count = typeof total === 'number' ? i.t('list.of', { a: decimal(from), b: decimal(from + rows.length - 1), n: decimal(total) })
    : i.t('list.range', { a: decimal(from), b: decimal(from + rows.length - 1) }) + (list.data?.next ? `${i.lang === 'zh' ? '，' : ', '}${i.t('list.more_than', { n: decimal(Math.max(list.data?.total_at_least ?? 0, from + rows.length - 1)) })}` : '');
  const money1 = entity.fields.find((f) => f.type === 'money' && shown.includes(f.name));
  const pageSum = money1 ? rows.reduce((s, r) => s + Math.round(Number(r[money1.name] ?? 0) * 100), 0) / 100 : 0;
  return (
    <section>
      <div className="fb-bar">
        <h1>{i.label(c.plural(entity))}</h1>
        <ViewMenu entity={entity} state={state} columns={shown} onPick={(s, cols) => { change(s); if (cols) pickColumns(cols); }} />
        {shapes.length > 1 && <Segmented aria-label={i.t('list.shape')} value={state.shape} options={shapes} onChange={(shape) => change({ shape, ...(state.view === usualView(state.shape) && { view: usualView(shape) }) })} />}
        {state.shape === 'table' && (
          <span onCompositionStart={() => (composing.current = true)} onCompositionEnd={(e) => { composing.current = false; setTyped((e.target as HTMLInputElement).value); }}>
            <Input.Search allowClear style={{ width: 200 }} value={typed} placeholder={i.t('list.find')} aria-label={i.t('list.find')} onChange={(e) => setTyped(e.target.value)} onSearch={(q) => change({ q })} />
          </span>
        )}
        <span className="fb-push" />
        {state.shape === 'table' && (
          <>
            <Select aria-label={i.t('term.group_by')} style={{ width: 148 }} allowClear={clearing()} placeholder={i.t('term.group_by')} value={group || undefined} onChange={(g?: string) => setGroup(g ?? '')} options={entity.fields.filter((f) => isChoice(f) || (f.type === 'ref' && f.indexed)).map((f) => ({ value: f.name, label: i.label(f) }))} />
            <ColumnMenu entity={entity} columns={shown} onChange={pickColumns} />
            {may(session, entity.name, 'export') && <Button onClick={() => void exportAll()}>{i.t('term.export')}</Button>}
          </>
        )}
        {canCreate && <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={create}>{i.t('term.new')}</Button>}
      </div>
      <FilterBar entity={entity} filter={state.filter} refs={refs} onChange={(f) => change({ filter: f })} />
      {arrivals.size > 0 && <div className="fb-fresh"><Button size="small" onClick={show}>{i.t('list.arrived', { n: arrivals.size })}</Button></div>}
      {state.shape === 'board' && <Board entity={entity} filter={filter} />}
      {state.shape === 'calendar' && <Calendar entity={entity} filter={filter} />}
      {state.shape === 'table' && (
        <>
          <Bulk entity={entity} rows={rows} refs={refs} columns={shown} chosen={chosen} onDone={() => setChosen([])} />
          {group && <Groups entity={entity} by={group} filter={filter} onPick={(clause) => { setGroup(''); change({ filter: [...state.filter, clause] }); }} />}
          {list.isError && rows.length === 0 ? (
            <Result status="warning" title={i.t('list.failed', { reason: problemSentence(i, list.error) })} extra={<Button onClick={() => void list.refetch()}>{i.t('ui.again')}</Button>} />
          ) : list.isSuccess && rows.length === 0 ? (
            <Empty entity={entity} isFiltered={filter.length > 0 || state.q !== ''} onClear={() => { setTyped(''); change({ filter: [], q: '', view: 'all' }); }} onNew={canCreate ? create : undefined} />
          ) : (
            <div className="fb-table">
              <Table entity={entity} isPlain columns={shown} rows={rows} refs={refs} sort={state.sort} chosen={chosen} onSort={(sort) => change({ sort })} onChosen={setChosen} onMove={stageField ? setMoving : undefined} isLoading={list.isPending} />
              <div className="fb-foot">
                <span>{count}</span>
                {money1 && rows.length > 0 && <span>{i.t('list.page_sum', { f: i.label(money1), v: money(pageSum.toFixed(2)) })}</span>}
                <span className="fb-push" />
                <Button size="small" disabled={cursors.length === 0} onClick={before}>{i.t('list.before')}</Button>
                <Button size="small" disabled={!list.data?.next} onClick={next}>{i.t('list.next')}</Button>
              </div>
            </div>
          )}
        </>
      )}
      {moving && stageField && <SetDialog entity={entity} only={stageField} count={1} onCancel={() => setMoving(null)} onSet={async (set) => { if (await bulk([moving.id], { set })) setMoving(null); }} />}
    </section>
  );
}

function Groups({ entity, by, filter, onPick }: { entity: Entity; by: string; filter: Clause[]; onPick: (clause: Clause) => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const field = c.field(entity.name, by)!;
  const sum = entity.fields.find((f) => f.type === 'money' && f.indexed) ?? entity.fields.find((f) => f.type === 'money' && f.name === 'amount');
  const groups = useGroup(entity.name, by, filter, sum?.name);
  const refs = (): References => ({ [field.target ?? '']: Object.fromEntries((groups.data ?? []).map((g) => [String(g.value), g.title ?? ''])) });
  return (
    <table className="fb-three fb-card" style={{ marginBottom: 12, width: 'auto' }}>
      <thead><tr><th>{i.label(field)}</th><th className="fb-right">{i.t('list.count')}</th>{sum && <th className="fb-right">{i.label(sum)}</th>}</tr></thead>
      <tbody>
        {(groups.data ?? []).map((g) => (
          <tr key={String(g.value)}>
            <td><Button type="link" size="small" onClick={() => onPick(g.value === null ? [by, 'empty'] : [by, '=', g.value])}>{g.title || valueText(c, i, field, g.value, refs()) || i.t('ui.empty')}</Button></td>
            <td className="fb-number">{decimal(g.count)}</td>
            {sum && <td className="fb-number">{g.sum !== null && g.sum !== undefined ? money(String(g.sum)) : ''}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Empty({ entity, isFiltered, onClear, onNew }: { entity: Entity; isFiltered: boolean; onClear: () => void; onNew?: () => void }) {
  const i = useI18n();
  const c = useCatalogue();
  if (isFiltered) return <Result status="info" icon={<span />} title={i.t('list.nothing')} extra={<Button onClick={onClear}>{i.t('list.clear')}</Button>} />;
  return <Result icon={<span />} title={i.t('list.empty', { ent: i.lang === 'zh' ? entity.zh : (c.plural(entity).en).toLowerCase() })} extra={onNew && <Button type="primary" onClick={onNew}>{i.t('ui.new_of', { ent: i.inside(entity) })}</Button>} />;
}
