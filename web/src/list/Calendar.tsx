// SPDX-License-Identifier: MIT
// A month of dated rows, weeks from Monday. A click on a day creates there; dragging asks nothing and moves the day.
import { LeftOutlined, PlusOutlined, RightOutlined } from '../lib/icons';
import { App, Button } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useList, wrote } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Filter, Row } from '../api/types';
import type { Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { clock, isoDate, startOfWeek, weekday } from '../i18n/format';
import { navigate, recordPath } from '../lib/router';
import { problemSentence } from '../lib/problem';
import { useQuickCreate } from '../form/quick';
import { rowTitle } from './Table';

const SHOWN_PER_DAY = 4;
const ROWS_MAX = 200;

export function Calendar({ entity, filter }: { entity: Entity; filter: Filter }) {
  const c = useCatalogue();
  const i = useI18n();
  const { message } = App.useApp();
  const create = useQuickCreate();
  const layout = entity.layout.calendar!;
  const field = c.field(entity.name, layout.start)!;
  const isTimed = field.type === 'dt';
  const [month, setMonth] = useState(() => new Date(new Date().getFullYear(), new Date().getMonth(), 1));
  const [dayOpen, setDayOpen] = useState<string | null>(null);
  const first = startOfWeek(month);
  const days = Array.from({ length: 42 }, (_, n) => new Date(first.getFullYear(), first.getMonth(), first.getDate() + n));
  const bound = (d: Date) => (isTimed ? d.toISOString() : isoDate(d));
  const end = new Date(first.getFullYear(), first.getMonth(), first.getDate() + 42);
  const list = useList(entity.name, { filter: [[field.name, '>=', bound(first)], [field.name, '<', bound(end)], ...filter], sort: field.name, limit: ROWS_MAX });
  const rows = list.data?.rows ?? [];
  const dayOf = (row: Row) => (isTimed ? isoDate(new Date(String(row[field.name]))) : String(row[field.name]));
  const today = isoDate(new Date());

  const move = async (row: Row, day: Date) => {
    const old = String(row[field.name]);
    const at = new Date(old);
    const next = isTimed ? new Date(day.getFullYear(), day.getMonth(), day.getDate(), at.getHours(), at.getMinutes()).toISOString() : isoDate(day);
    if (next === old) return;
    const base: Record<string, unknown> = { [field.name]: old };
    const mine: Record<string, unknown> = { [field.name]: next };
    if (layout.end && row[layout.end] && isTimed) {
      base[layout.end] = row[layout.end];
      mine[layout.end] = new Date(new Date(String(row[layout.end])).getTime() + new Date(next).getTime() - at.getTime()).toISOString();
    }
    try {
      await api.patch(`/${entity.name}/${row.id}`, { base, mine });
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
    wrote(entity.name, row.id);
  };
  const add = (day: Date) => {
    const at = new Date(day.getFullYear(), day.getMonth(), day.getDate(), 9);
    void create(entity.name, '', { [field.name]: isTimed ? at.toISOString() : isoDate(day) });
  };
  const shift = (n: number) => setMonth(new Date(month.getFullYear(), month.getMonth() + n, 1));
  return (
    <section aria-label={i.t('list.calendar')}>
      <div className="fb-bar">
        <Button icon={<LeftOutlined />} aria-label={i.t('list.month_before')} onClick={() => shift(-1)} />
        <strong aria-live="polite">{i.lang === 'zh' ? `${month.getFullYear()}年${month.getMonth() + 1}月` : month.toLocaleDateString('en-GB', { month: 'long', year: 'numeric' })}</strong>
        <Button icon={<RightOutlined />} aria-label={i.t('list.month_after')} onClick={() => shift(1)} />
        <Button onClick={() => setMonth(new Date(new Date().getFullYear(), new Date().getMonth(), 1))}>{i.t('within.today')}</Button>
        <span className="fb-quiet">{i.label(field)}{rows.length === ROWS_MAX && ` · ${i.t('list.first_n', { n: ROWS_MAX })}`}</span>
      </div>
      <div className="fb-month">
        {days.slice(0, 7).map((d) => <div key={d.getDay()} className="fb-weekday">{weekday(d, i.lang)}</div>)}
        {days.map((d) => {
          const day = isoDate(d);
          const here = rows.filter((r) => dayOf(r) === day);
          const shown = dayOpen === day ? here : here.slice(0, SHOWN_PER_DAY);
          return (
            <div
              key={day}
              className={`${day === today ? 'fb-today' : ''}${d.getMonth() !== month.getMonth() ? ' fb-other' : ''}`}
              onDragOver={(e) => e.preventDefault()}
              onDrop={(e) => {
                const row = rows.find((r) => r.id === e.dataTransfer.getData('text/plain'));
                if (row) void move(row, d);
              }}
            >
              <div className="fb-day">
                <span>{d.getDate()}</span>
                <Button type="text" size="small" icon={<PlusOutlined style={{ fontSize: 10 }} />} aria-label={i.t('list.new_on', { d: day })} onClick={() => add(d)} />
              </div>
              {shown.map((row) => {
                const text = `${isTimed ? `${clock(new Date(String(row[field.name])))} ` : ''}${rowTitle(entity, row)}`;
                return (
                  <button key={row.id} type="button" className="fb-event" draggable title={text} onDragStart={(e) => e.dataTransfer.setData('text/plain', row.id)} onClick={() => navigate(recordPath(entity.name, row.id))}>
                    {text}
                  </button>
                );
              })}
              {here.length > shown.length && <Button type="link" size="small" onClick={() => setDayOpen(day)}>{i.t('list.more_n', { n: here.length - shown.length })}</Button>}
            </div>
          );
        })}
      </div>
    </section>
  );
}
