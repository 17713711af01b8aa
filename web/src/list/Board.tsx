// SPDX-License-Identifier: MIT
// Cards in lanes by stage or status. Dragging has its twin: m on a card, or its menu, moves it without a mouse. A refused
// move goes back and says why.
import { MoreOutlined } from '../lib/icons';
import { App, Button, Dropdown } from 'antd';
import { useState } from 'react';
import { api, Problem } from '../api/client';
import { getList, useList, wrote } from '../api/queries';
import { useCatalogue, useSavedKey } from '../api/session';
import { useQuery } from '@tanstack/react-query';
import type { Clause, Filter, References, Row, Value } from '../api/types';
import type { Entity, Field } from '../catalogue/model';
import { useI18n } from '../i18n';
import { money, shortMoney } from '../i18n/format';
import { isComposing, lettersOff } from '../lib/keys';
import { Link } from '../lib/Link';
import { listPath, navigate, recordPath } from '../lib/router';
import { problemSentence } from '../lib/problem';
import { MarkSign } from '../value/Marks';
import { valueText } from '../value/text';
import { rowTitle } from './Table';

const CARDS_MAX = 200;
interface Lane { value: string; title: string; isEnd?: boolean }

/* The lanes: the choices of the field, or the rows it refers to in their order. */
function useLanes(field: Field): Lane[] {
  const c = useCatalogue();
  const i = useI18n();
  const target = field.type === 'ref' ? field.target : undefined;
  const rows = useQuery({
    queryKey: ['rows', target, 'lanes'],
    queryFn: () => getList(target!, { limit: 200, sort: c.field(target!, 'position') ? 'position' : undefined }),
    enabled: target !== undefined,
  });
  if (!target) return c.choices(field).filter((x) => !x.is_retired).map((x) => ({ value: x.value, title: i.label(x) }));
  const e = c.entity(target);
  return (rows.data?.rows ?? []).map((r) => ({ value: r.id, title: e ? rowTitle(e, r) : r.id, isEnd: r.kind === 'won' || r.kind === 'lost' }));
}

export function Board({ entity, filter }: { entity: Entity; filter: Filter }) {
  const c = useCatalogue();
  const i = useI18n();
  const saved = useSavedKey();
  const { message } = App.useApp();
  const field = c.field(entity.name, entity.layout.kanban!)!;
  const all = useLanes(field);
  const open: Filter = entity.closed && !filter.some((x) => Array.isArray(x) && x[0] === entity.closed!.field)
    ? [...filter, [entity.closed.field, 'not_in', entity.closed.values] as Clause] : filter;
  const isClosing = entity.closed?.field === field.name;
  const list = useList(entity.name, { filter: isClosing ? filter : open, limit: CARDS_MAX, sort: entity.layout.list.sort });
  const [over, setOver] = useState<string | null>(null);
  const [moved, setMoved] = useState<Record<string, string>>({});
  const rows = list.data?.rows ?? [];
  const refs = list.data?.references ?? {};
  const laneOf = (row: Row) => moved[row.id] ?? String(row[field.name] ?? '');
  const used = new Set(rows.map(laneOf));
  const lanes = all.length > 10 ? all.filter((l) => used.has(l.value)) : all;

  const move = async (row: Row, to: string) => {
    const from = row[field.name] as Value;
    if (String(from) === to) return;
    setMoved((m) => ({ ...m, [row.id]: to }));
    try {
      await api.patch(`/${entity.name}/${row.id}`, { base: { [field.name]: from }, mine: { [field.name]: to } });
      void message.success(i.t(saved));
    } catch (err) {
      const p = err instanceof Problem ? Object.values(err.fields)[0] : undefined;
      void message.error(p?.detail || problemSentence(i, err));
    }
    wrote(entity.name, row.id);
    await list.refetch();
    setMoved((m) => Object.fromEntries(Object.entries(m).filter(([id]) => id !== row.id)));
  };
  const sumField = entity.fields.find((f) => f.type === 'money' && !f.name.includes('limit'));
  const allowed = (row: Row, lane: Lane) => field.type !== 'fsm' || !field.steps || (field.steps[String(row[field.name])] ?? []).includes(lane.value);
  return (
    <div className="fb-board" tabIndex={0} role="group" aria-label={i.label(field)}>
      {lanes.map((lane) => {
        const cards = rows.filter((r) => laneOf(r) === lane.value);
        const sum = sumField ? cards.reduce((s, r) => s + Number(r[sumField.name] ?? 0), 0) : 0;
        return (
          <section
            key={lane.value}
            aria-label={lane.title}
            className={`fb-lane${over === lane.value ? ' fb-over' : ''}`}
            onDragOver={(e) => { e.preventDefault(); setOver(lane.value); }}
            onDragLeave={() => setOver(null)}
            onDrop={(e) => {
              setOver(null);
              const row = rows.find((r) => r.id === e.dataTransfer.getData('text/plain'));
              if (row) void move(row, lane.value);
            }}
          >
            <h2><span>{lane.title} <span className="fb-quiet">{cards.length}</span></span>{sum > 0 && <span className="fb-quiet">{shortMoney(sum, i.lang)}</span>}</h2>
            {cards.map((row) => (
              <Card key={row.id} entity={entity} row={row} refs={refs} skip={field.name} sumField={sumField} lanes={lanes.filter((l) => l.value !== lane.value && allowed(row, l))} onMove={(to) => void move(row, to)} />
            ))}
            {cards.length === 0 && <p className="fb-quiet">{lane.isEnd ? <>{i.t('list.closed_away')} <Link to={listPath(entity.name, [[field.name, '=', lane.value]])}>{i.t('rec.all')}</Link></> : i.t('ui.none')}</p>}
          </section>
        );
      })}
    </div>
  );
}

interface CardProps { entity: Entity; row: Row; refs: References; skip: string; sumField: Field | undefined; lanes: Lane[]; onMove: (to: string) => void }

function Card({ entity, row, refs, skip, sumField, lanes, onMove }: CardProps) {
  const c = useCatalogue();
  const i = useI18n();
  const [isOpen, setOpen] = useState(false);
  const title = rowTitle(entity, row);
  const lines = c.fields(entity.name, entity.layout.list.columns)
    .filter((f) => f.name !== skip && f !== sumField && !entity.title.includes(f.name) && !f.is_stamp && f.type !== 'bool')
    .map((f) => valueText(c, i, f, row[f.name], refs, row)).filter(Boolean).slice(0, 2);
  return (
    <div
      className="fb-item"
      draggable
      tabIndex={0}
      role="group"
      aria-label={title}
      onDragStart={(e) => e.dataTransfer.setData('text/plain', row.id)}
      onKeyDown={(e) => {
        if (e.target !== e.currentTarget || isComposing(e)) return;
        if (e.key === 'Enter') navigate(recordPath(entity.name, row.id));
        if (e.key === 'm' && !lettersOff()) setOpen(true);
      }}
    >
      <div style={{ display: 'flex', alignItems: 'center', gap: 4 }}>
        <span className="fb-grow"><Link to={recordPath(entity.name, row.id)} title={title}>{title}</Link></span>
        {row._mark && <MarkSign mark={row._mark} />}
        <Dropdown trigger={['click']} open={isOpen} onOpenChange={setOpen} menu={{ items: lanes.map((l) => ({ key: l.value, label: i.t('list.move_to', { stage: l.title }), onClick: () => onMove(l.value) })) }}>
          <Button type="text" size="small" icon={<MoreOutlined />} aria-label={i.t('list.move_of', { rec: title })} />
        </Dropdown>
      </div>
      {lines.map((l, n) => <div key={n} className="fb-quiet">{l}</div>)}
      {sumField && row[sumField.name] ? <div className="fb-number">{money(String(row[sumField.name]))}</div> : null}
    </div>
  );
}
