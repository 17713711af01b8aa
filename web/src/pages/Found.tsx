// SPDX-License-Identifier: MIT
// Values that another program wrote and left no trace of, or that a restored headquarters lacks: headquarters' value stands, this one
// is kept on the laptop until its person takes it over, as an edit of his own, or lets it go.
import { Button } from 'antd';
import { api } from '../api/client';
import { getList, wrote } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { RecordAnswer, Row, Value } from '../api/types';
import type { Field } from '../catalogue/model';
import { useI18n } from '../i18n';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import { Shape } from '../value/Marks';
import { valueText } from '../value/text';
import { useQuery } from '@tanstack/react-query';
import { Card } from './Section';
import { useAct } from './useAct';

const ROWS_MAX = 50;
// Kinds that the table keeps as the API writes them. Quantities and whole records are only told.
const PLAIN = new Set(['text', 'long', 'enum', 'fsm', 'pick', 'date', 'dt', 'ref', 'int']);
const TOLD_MAX = 4;

/* The value of a table as the API takes it; undefined where it can only be shown. */
export function foundValue(field: Field | undefined, stored: unknown): Value | undefined {
  if (!field) return undefined;
  if (stored === null) return null;
  if (field.type === 'bool') return stored === 1;
  if (field.type === 'money') return (Number(stored) / 100).toFixed(2);
  return PLAIN.has(field.type) ? (stored as Value) : undefined;
}

export function Found({ count }: { count: number }) {
  const i = useI18n();
  const ask = { filter: [['state', '=', 'waiting']] as never, limit: ROWS_MAX };
  const list = useQuery({ queryKey: ['desk', '/found_value', count], queryFn: () => getList('found_value', ask), enabled: count > 0 });
  if (count === 0) return null;
  return (
    <Card title={`${i.t('mark.found')} ${count}`}>
      <p className="fb-quiet">{i.t('found.what')}</p>
      <ul className="fb-rows">{(list.data?.rows ?? []).map((r) => <One key={r.id} row={r} />)}</ul>
    </Card>
  );
}

function One({ row }: { row: Row }) {
  const c = useCatalogue();
  const i = useI18n();
  const act = useAct();
  const entity = String(row.entity);
  const id = String(row.record_id);
  const field = c.field(entity, String(row.field));
  const value = foundValue(field, row.value);
  const end = (state: 'taken' | 'dropped') => api.patch(`/found_value/${row.id}`, { base: { state: 'waiting' }, mine: { state } });
  const take = () => act(async () => {
    const now = (await api.get<RecordAnswer>(`/${entity}/${id}`)).row;
    await api.patch(`/${entity}/${id}`, { base: { [field!.name]: now[field!.name] ?? null }, mine: { [field!.name]: value } });
    await end('taken');
    wrote(entity, id);
  }, i.t('form.saved'));
  const words = (f: Field | undefined, stored: unknown): string => {
    const v = foundValue(f, stored);
    return f && v !== undefined ? valueText(c, i, f, v) : typeof stored === 'object' ? '…' : String(stored);
  };
  const whole = row.field === 'id' && row.value && typeof row.value === 'object' ? Object.entries(row.value) : [];
  const told = whole.filter(([n, v]) => v !== null && c.field(entity, n) && !c.field(entity, n)!.is_stamp && c.field(entity, n)!.type !== 'ref').slice(0, TOLD_MAX);
  const shown = whole.length > 0 ? told.map(([n, v]) => words(c.field(entity, n), v)).join(i.lang === 'zh' ? '，' : ', ') : words(field, row.value);
  return (
    <li style={{ flexWrap: 'wrap' }}>
      <Shape state="disputed" />
      <span className="fb-chip">{i.label(c.entity(entity)) || entity}</span>
      <span className="fb-grow" style={{ whiteSpace: 'normal' }}>
        {c.entity(entity) && <Link to={recordPath(entity, id)}>{i.label(field) || i.t('audit.record')}</Link>}{i.lang === 'zh' ? '：' : ': '}{i.value(shown)}
      </span>
      <span className="fb-quiet">{i.when(String(row.found_at ?? ''))}</span>
      {value !== undefined && <Button size="small" type="primary" onClick={() => void take()}>{i.t('found.take')}</Button>}
      <Button size="small" onClick={() => void act(() => end('dropped'))}>{i.t('found.drop')}</Button>
    </li>
  );
}
