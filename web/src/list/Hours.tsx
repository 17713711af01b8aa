// SPDX-License-Identifier: MIT
// A week or a day by hours. Below lie the empty hours, buttons with one tab stop that arrows walk through; above them the
// appointments, side by side where they overlap. Rows of a whole day stand in a strip at the top.
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Row } from '../api/types';
import { useI18n } from '../i18n';
import { clock, dateTime, dayText, isoDate, weekday } from '../i18n/format';
import { navigate, recordPath } from '../lib/router';
import { minutesOf, sideBySide, timeOn } from './calendar';
import type { CalendarPart } from './Calendar';
import { rowTitle } from './Table';

const HOURS = Array.from({ length: 24 }, (_, h) => h);
const HOUR_PX = 44;
const OPENS_AT_HOUR = 8;
const STEP_MINUTES = 30;
const SNAP_MINUTES = 15;
const DAY_MINUTES = 1440;

const isWholeDay = (row: Row) => row.all_day === true;

export function Hours({ entity, days, rows, startOf, endOf, onMove, onDay, onAdd }: CalendarPart & { onAdd: (from: Date) => void }) {
  const i = useI18n();
  const box = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ day: 0, hour: OPENS_AT_HOUR });
  // Minutes between the start of what is dragged and where it was taken.
  const grabbed = useRef(0);
  const today = isoDate(new Date());
  // Opens at the working day, or earlier where something begins earlier; never moves again under somebody's hands.
  const earliest = rows.filter((r) => !isWholeDay(r) && startOf(r) >= days[0]!).reduce((h, r) => Math.min(h, startOf(r).getHours()), OPENS_AT_HOUR);
  useEffect(() => {
    box.current?.scrollTo(0, earliest * HOUR_PX);
  }, [isoDate(days[0]!), days.length, rows.length > 0]); // eslint-disable-line

  const walk = (e: KeyboardEvent, day: number, hour: number) => {
    const steps: Record<string, [number, number]> = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const step = steps[e.key];
    if (!step) return;
    e.preventDefault();
    const next = { day: Math.max(0, Math.min(days.length - 1, day + step[0])), hour: Math.max(0, Math.min(23, hour + step[1])) };
    setAt(next);
    grid.current?.querySelector<HTMLElement>(`[data-slot="${next.day}-${next.hour}"]`)?.focus();
  };
  const shift = async (e: KeyboardEvent, row: Row) => {
    const steps: Record<string, number> = { ArrowUp: -STEP_MINUTES, ArrowDown: STEP_MINUTES, ArrowLeft: -DAY_MINUTES, ArrowRight: DAY_MINUTES };
    const by = steps[e.key];
    if (!e.shiftKey || by === undefined) return;
    e.preventDefault();
    const from = startOf(row);
    await onMove(row, timeOn(from, minutesOf(from) + by));
    document.getElementById(`event-${row.id}`)?.focus();
  };
  const drop = (x: number, y: number, id: string) => {
    const row = rows.find((r) => r.id === id);
    const place = grid.current!.getBoundingClientRect();
    const day = days[Math.floor(((x - place.left) / place.width) * days.length)];
    if (!row || !day) return;
    const minutes = ((y - place.top) / HOUR_PX) * 60 - grabbed.current;
    void onMove(row, timeOn(day, Math.max(0, Math.round(minutes / SNAP_MINUTES) * SNAP_MINUTES)));
  };
  const timed = rows.filter((r) => !isWholeDay(r));
  const whole = (day: string) => rows.filter((r) => isWholeDay(r) && isoDate(startOf(r)) === day);
  const sizes = { '--fb-days': days.length, '--fb-hour': `${HOUR_PX}px` } as React.CSSProperties;
  return (
    <div className="fb-hours" style={sizes} ref={box}>
      <div className="fb-hours-head">
        <span />
        {days.map((d) => (
          <div key={isoDate(d)} className={isoDate(d) === today ? 'fb-today' : undefined} aria-current={isoDate(d) === today ? 'date' : undefined}>
            {days.length > 1 ? <button type="button" className="fb-day-number" title={i.t('list.open_day', { d: isoDate(d) })} onClick={() => onDay(d)}>{weekday(d, i.lang)} {d.getDate()}</button> : <strong>{dayText(d, i.lang)}</strong>}
            {whole(isoDate(d)).map((row) => <button key={row.id} type="button" className="fb-event" title={rowTitle(entity, row)} onClick={() => navigate(recordPath(entity.name, row.id))}>{rowTitle(entity, row)}</button>)}
          </div>
        ))}
      </div>
      <div className="fb-hours-body">
        <div aria-hidden>{HOURS.map((h) => <div key={h} className="fb-hour">{h > 0 && `${String(h).padStart(2, '0')}:00`}</div>)}</div>
        <div className="fb-slots" ref={grid} onDragOver={(e) => e.preventDefault()} onDrop={(e) => drop(e.clientX, e.clientY, e.dataTransfer.getData('text/plain'))}>
          {HOURS.flatMap((h) => days.map((d, n) => (
            <button
              key={`${n}-${h}`}
              type="button"
              className={`fb-slot${isoDate(d) === today ? ' fb-today' : ''}`}
              data-slot={`${n}-${h}`}
              tabIndex={n === Math.min(at.day, days.length - 1) && h === at.hour ? 0 : -1}
              aria-label={i.t('list.new_on', { d: dateTime(timeOn(d, h * 60)) })}
              onKeyDown={(e) => walk(e, n, h)}
              onClick={() => onAdd(timeOn(d, h * 60))}
            />
          )))}
          {days.flatMap((d, n) => sideBySide(d, timed.map((r) => ({ id: r.id, from: startOf(r), to: endOf(r) }))).map((b) => {
            const row = timed.find((r) => r.id === b.id)!;
            const isFirst = isoDate(startOf(row)) === isoDate(d);
            const when = endOf(row) > startOf(row) ? `${clock(startOf(row))}–${clock(endOf(row))}` : clock(startOf(row));
            const text = `${when} ${rowTitle(entity, row)}`;
            return (
              <button
                key={`${row.id}-${isFirst}`}
                id={isFirst ? `event-${row.id}` : undefined}
                type="button"
                className="fb-event fb-timed"
                draggable
                title={text}
                style={{ top: (b.start * HOUR_PX) / 60, height: (Math.min(b.minutes, DAY_MINUTES - b.start) * HOUR_PX) / 60 - 1, left: `${((n + b.column / b.columns) * 100) / days.length}%`, width: `calc(${100 / days.length / b.columns}% - 3px)` }}
                onDragStart={(e) => {
                  grabbed.current = ((e.clientY - e.currentTarget.getBoundingClientRect().top) / HOUR_PX) * 60 + (isFirst ? 0 : (d.getTime() - startOf(row).getTime()) / 60_000);
                  e.dataTransfer.setData('text/plain', row.id);
                }}
                onKeyDown={(e) => void shift(e, row)}
                onClick={() => navigate(recordPath(entity.name, row.id))}
              >
                {text}
              </button>
            );
          }))}
        </div>
      </div>
    </div>
  );
}
