// SPDX-License-Identifier: MIT
// Dated rows by month, and those with a time of day also by week and by day (Hours.tsx). A click on an empty day or hour
// creates there; dragging asks nothing and moves; Shift and the arrows move without a mouse.
import { LeftOutlined, RightOutlined } from '../lib/icons';
import { App, Button, Segmented } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useList, wrote } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Filter, Row } from '../api/types';
import type { Entity, Field } from '../catalogue/model';
import { useQuickCreate } from '../form/quick';
import type { Values } from '../form/state';
import { useI18n } from '../i18n';
import { isoDate } from '../i18n/format';
import { problemSentence } from '../lib/problem';
import { dayAfter, daysOf, SPANS, spanTitle, stepped, type Span } from './calendar';
import { Hours } from './Hours';
import { Month } from './Month';

const ROWS_MAX = 200;
const KEPT = 'fb.calendar_span';
const HOUR_MS = 3_600_000;

export interface CalendarPart {
  entity: Entity;
  days: Date[];
  rows: Row[];
  field: Field;
  startOf: (row: Row) => Date;
  endOf: (row: Row) => Date;
  onMove: (row: Row, to: Date) => Promise<void>;
  onDay: (day: Date) => void;
}

export function Calendar({ entity, filter }: { entity: Entity; filter: Filter }) {
  const c = useCatalogue();
  const i = useI18n();
  const { message } = App.useApp();
  const create = useQuickCreate();
  const layout = entity.layout.calendar!;
  const field = c.field(entity.name, layout.start)!;
  const isTimed = field.type === 'dt';
  const [span, setSpan] = useState<Span>(() => (isTimed ? (SPANS.find((s) => s === localStorage.getItem(KEPT)) ?? 'month') : 'month'));
  const [at, setAt] = useState(() => new Date());
  const days = daysOf(span, at);
  const stored = (d: Date) => (isTimed ? d.toISOString() : isoDate(d));
  // What began the day before may last into the first one.
  const list = useList(entity.name, { filter: [[field.name, '>=', stored(dayAfter(days[0]!, -1))], [field.name, '<', stored(dayAfter(days[days.length - 1]!, 1))], ...filter], sort: field.name, limit: ROWS_MAX });
  const rows = list.data?.rows ?? [];
  const read = (value: unknown) => new Date(isTimed ? String(value) : `${String(value)}T00:00`);
  const startOf = (row: Row) => read(row[field.name]);
  const endOf = (row: Row) => (layout.end && row[layout.end] ? read(row[layout.end]) : startOf(row));

  /* The end keeps its distance from the start. */
  const move = async (row: Row, to: Date) => {
    if (to.getTime() === startOf(row).getTime()) return;
    const base: Record<string, unknown> = { [field.name]: row[field.name] };
    const mine: Record<string, unknown> = { [field.name]: stored(to) };
    if (layout.end && row[layout.end]) {
      base[layout.end] = row[layout.end];
      mine[layout.end] = stored(new Date(endOf(row).getTime() + to.getTime() - startOf(row).getTime()));
    }
    try {
      await api.patch(`/${entity.name}/${row.id}`, { base, mine });
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
    wrote(entity.name, row.id);
    await list.refetch();
  };
  const add = (from: Date) => {
    const given: Values = { [field.name]: stored(from) };
    if (isTimed && layout.end && span !== 'month') given[layout.end] = stored(new Date(from.getTime() + HOUR_MS));
    void create(entity.name, '', given);
  };
  const choose = (next: Span, day = at) => {
    setSpan(next);
    setAt(day);
    localStorage.setItem(KEPT, next);
  };
  const part: CalendarPart = { entity, days, rows, field, startOf, endOf, onMove: move, onDay: (day) => isTimed && choose('day', day) };
  return (
    <section aria-label={i.t('list.calendar')}>
      <div className="fb-bar">
        {isTimed && <Segmented aria-label={i.t('list.span')} value={span} options={SPANS.map((s) => ({ value: s, label: i.t(`list.${s}`) }))} onChange={(s) => choose(s)} />}
        <Button icon={<LeftOutlined />} aria-label={i.t('list.earlier')} onClick={() => setAt(stepped(span, at, -1))} />
        <strong aria-live="polite">{spanTitle(span, at, i.lang)}</strong>
        <Button icon={<RightOutlined />} aria-label={i.t('list.later')} onClick={() => setAt(stepped(span, at, 1))} />
        <Button onClick={() => setAt(new Date())}>{i.t('within.today')}</Button>
        <span className="fb-quiet">{i.label(field)}{list.data?.next && ` · ${i.t('list.first_n', { n: ROWS_MAX })}`}</span>
      </div>
      {span === 'month' ? <Month {...part} month={at} isTimed={isTimed} onAdd={add} /> : <Hours {...part} onAdd={add} />}
    </section>
  );
}
