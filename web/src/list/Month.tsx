// SPDX-License-Identifier: MIT
// Six weeks around a month, a few rows a day; the number of a day opens it by hours.
import { PlusOutlined } from '../lib/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { useI18n } from '../i18n';
import { clock, isoDate, weekday } from '../i18n/format';
import { navigate, recordPath } from '../lib/router';
import { minutesOf, timeOn } from './calendar';
import type { CalendarPart } from './Calendar';
import { rowTitle } from './Table';

const SHOWN_PER_DAY = 4;
const NEW_AT_HOUR = 9;

export function Month({ entity, days, rows, startOf, onMove, onDay, onAdd, month, isTimed }: CalendarPart & { month: Date; isTimed: boolean; onAdd: (from: Date) => void }) {
  const i = useI18n();
  const [dayOpen, setDayOpen] = useState<string | null>(null);
  const today = isoDate(new Date());
  return (
    <div className="fb-month">
      {days.slice(0, 7).map((d) => <div key={d.getDay()} className="fb-weekday">{weekday(d, i.lang)}</div>)}
      {days.map((d) => {
        const day = isoDate(d);
        const here = rows.filter((r) => isoDate(startOf(r)) === day);
        const shown = dayOpen === day ? here : here.slice(0, SHOWN_PER_DAY);
        return (
          <div
            key={day}
            className={`${day === today ? 'fb-today' : ''}${d.getMonth() !== month.getMonth() ? ' fb-other' : ''}`}
            onDragOver={(e) => e.preventDefault()}
            onDrop={(e) => {
              const row = rows.find((r) => r.id === e.dataTransfer.getData('text/plain'));
              if (row) void onMove(row, timeOn(d, minutesOf(startOf(row))));
            }}
          >
            <div className="fb-day">
              {isTimed ? <button type="button" className="fb-day-number" title={i.t('list.open_day', { d: day })} onClick={() => onDay(d)}>{d.getDate()}</button> : <span>{d.getDate()}</span>}
              <Button type="text" size="small" icon={<PlusOutlined style={{ fontSize: 10 }} />} aria-label={i.t('list.new_on', { d: day })} onClick={() => onAdd(timeOn(d, isTimed ? NEW_AT_HOUR * 60 : 0))} />
            </div>
            {shown.map((row) => {
              const text = `${isTimed ? `${clock(startOf(row))} ` : ''}${rowTitle(entity, row)}`;
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
  );
}
