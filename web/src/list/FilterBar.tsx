// SPDX-License-Identifier: MIT
import { FilterOutlined, PlusOutlined } from '../lib/icons';
import { Button, Popover, Select, Space, Tag } from 'antd';
import { useRef, useState } from 'react';
import { useCatalogue } from '../api/session';
import type { Clause, Filter, FilterOp, References, Value } from '../api/types';
import { isChoice, type Entity, type Field } from '../catalogue/model';
import { useI18n, type Key } from '../i18n';
import { useKeys } from '../lib/keys';
import { Edit } from '../value/Edit';
import { canFilter, clauseText, OP_KEYS, operators, takesValue, WITHIN } from './filter';

interface BarProps { entity: Entity; filter: Filter; refs?: References; onChange: (f: Filter) => void }

export function FilterBar(p: BarProps) {
  const [isOpen, setOpen] = useState(false);
  useKeys({ f: () => setOpen(true) });
  return <Clauses {...p} isOpen={isOpen} setOpen={setOpen} />;
}

/* A filter that is kept in a record: the rule of a territory, a query. */
export function FilterEdit(p: BarProps & { ops?: FilterOp[] }) {
  const [isOpen, setOpen] = useState(false);
  return <Clauses {...p} isKept isOpen={isOpen} setOpen={setOpen} />;
}

function Clauses({ entity, filter, refs, onChange, ops, isKept, isOpen, setOpen }: BarProps & { ops?: FilterOp[]; isKept?: boolean; isOpen: boolean; setOpen: (is: boolean) => void }) {
  const c = useCatalogue();
  const i = useI18n();
  return (
    <div className="fb-chips">
      {filter.map((clause, at) => (
        <Tag key={JSON.stringify(clause)} closable={{ 'aria-label': i.t('list.remove_filter', { what: clauseText(c, i, entity, clause, refs) }) }} onClose={() => onChange(filter.filter((_, n) => n !== at))}>
          {clauseText(c, i, entity, clause, refs)}
        </Tag>
      ))}
      <Popover
        trigger="click"
        placement="bottomLeft"
        open={isOpen}
        onOpenChange={setOpen}
        destroyOnHidden
        content={<Builder key={filter.length} entity={entity} ops={ops} onDone={(clause) => {
          setOpen(false);
          if (clause) onChange([...filter, clause]);
        }} />}
      >
        <Button size="small" icon={filter.length === 0 ? <FilterOutlined aria-hidden /> : <PlusOutlined aria-hidden />}>{i.t(isKept ? 'list.add_condition' : 'list.filter')}</Button>
      </Popover>
      {filter.length > 0 && !isKept && <Button size="small" type="link" onClick={() => onChange([])}>{i.t('list.clear')}</Button>}
    </div>
  );
}

function Builder({ entity, ops, onDone }: { entity: Entity; ops: FilterOp[] | undefined; onDone: (clause: Clause | null) => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const operatorsOf = (f: Field) => operators(f).filter((o) => !ops || ops.includes(o));
  const all = [...entity.fields, ...['created_at', 'modified_at', 'modified_by'].map((n) => c.field(entity.name, n)!)].filter(canFilter);
  // Indexed ones first: they are what the list can find quickly.
  const fields = [...all].sort((a, b) => Number(b.indexed ?? false) - Number(a.indexed ?? false));
  const [field, setField] = useState<Field>(fields[0]!);
  const [op, setOp] = useState<FilterOp>(operatorsOf(fields[0]!)[0]!);
  const [value, setValue] = useState<Value>(null);
  const ok = useRef<HTMLButtonElement>(null);
  const pick = (name: string) => {
    const f = entity.fields.find((x) => x.name === name) ?? c.field(entity.name, name)!;
    setField(f);
    setOp(operatorsOf(f)[0]!);
    setValue(f.type === 'bool' ? true : operatorsOf(f)[0] === 'within' ? 'today' : null);
  };
  const isReady = !takesValue(op) || (value !== null && value !== '' && !(Array.isArray(value) && value.length === 0));
  const done = () => isReady && onDone(takesValue(op) ? [field.name, op, value] : [field.name, op]);
  return (
    <div style={{ width: 300, display: 'grid', gap: 8 }} role="group" aria-label={i.t('list.filter')}>
      <Select autoFocus aria-label={i.t('list.field')} showSearch={{ optionFilterProp: 'label' }} value={field.name} onChange={pick} options={fields.map((f) => ({ value: f.name, label: i.label(f) }))} />
      <Select aria-label={i.t('list.how')} value={op} onChange={(o: FilterOp) => { setOp(o); setValue(o === 'within' ? 'today' : o === 'in' ? [] : null); }} options={operatorsOf(field).map((o) => ({ value: o, label: i.t(OP_KEYS[o]) }))} />
      {takesValue(op) && <ValueAsk field={field} op={op} value={value} onChange={setValue} onEnter={done} />}
      <Space>
        <Button ref={ok} type="primary" disabled={!isReady} onClick={done}>{i.t('list.apply')}</Button>
        <Button type="text" onClick={() => onDone(null)}>{i.t('ui.cancel')}</Button>
      </Space>
    </div>
  );
}

function ValueAsk({ field, op, value, onChange, onEnter }: { field: Field; op: FilterOp; value: Value; onChange: (v: Value) => void; onEnter: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  if (op === 'within') return <Select aria-label={i.t('list.value')} value={value as string} onChange={(v: string) => onChange(v)} options={WITHIN.map((w) => ({ value: w, label: i.t(`within.${w}` as Key) }))} />;
  if (isChoice(field) || field.type === 'set') {
    return <Select aria-label={i.t('list.value')} mode={op === 'in' ? 'multiple' : undefined} value={value as string} onChange={(v: Value) => onChange(v)} showSearch={{ optionFilterProp: 'label' }} options={c.choices(field).map((x) => ({ value: x.value, label: i.label(x) }))} />;
  }
  const asked: Field = { ...field, required: false, type: field.type === 'seq' || field.type === 'long' ? 'text' : field.type };
  return <Edit id="filter-value" label={i.t('list.value')} field={{ ...asked, is_stamp: false }} value={value} onChange={onChange} onEnter={onEnter} />;
}
