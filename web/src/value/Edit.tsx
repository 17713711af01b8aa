// SPDX-License-Identifier: MIT
// Asks for one value, by the field's type. Values go in and out as docs/api.md writes them.
import { Checkbox, DatePicker, Input, Select } from 'antd';
import dayjs from 'dayjs';
import { useState } from 'react';
import { useCatalogue } from '../api/session';
import type { References, Row, Value } from '../api/types';
import { isChoice, isNumber, isReadOnly, type Entity, type Field } from '../catalogue/model';
import { useI18n } from '../i18n';
import { decimal, readNumber } from '../i18n/format';
import { isComposing } from '../lib/keys';
import { readFilter } from '../list/filter';
import { FilterField } from './FilterField';
import { Lookup } from './Lookup';
import { PartChoice } from './PartChoice';
import { referenceOf, titleOf } from './text';
import { clearing } from './clear';

export interface EditProps {
  id: string;
  field: Field;
  value: Value | undefined;
  onChange: (value: Value) => void;
  refs?: References;
  row?: Row;
  isInvalid?: boolean;
  describedBy?: string;
  autoFocus?: boolean;
  label?: string;
  isDisabled?: boolean;
  onEnter?: () => void;
}

const TEXT_ROWS = { minRows: 2, maxRows: 12 };

export function Edit(p: EditProps) {
  const { field: f } = p;
  const c = useCatalogue();
  const i = useI18n();
  const common = { id: p.id, 'aria-describedby': p.describedBy, 'aria-label': p.label, 'aria-required': f.required, 'aria-invalid': p.isInvalid, disabled: p.isDisabled || isReadOnly(f), autoFocus: p.autoFocus };
  const status = p.isInvalid ? ('error' as const) : undefined;
  if (f.type === 'bool') {
    return <Checkbox id={p.id} aria-label={p.label ?? i.label(f)} checked={p.value === true} disabled={common.disabled} onChange={(e) => p.onChange(e.target.checked)} />;
  }
  if (isChoice(f) || f.type === 'set') return <ChoiceEdit {...p} />;
  const kinds = c.kinds(f);
  if (kinds && !common.disabled) return <KindEdit kinds={kinds} {...p} />;
  if (f.type === 'json' && f.name === 'filter' && !common.disabled && readFilter(p.value) !== null) return <FilterField {...p} />;
  const part = f.type === 'ref' ? c.entity(f.target ?? '') : undefined;
  if (part?.part_of && !common.disabled) return <PartChoice part={part} {...p} />;
  if (f.type === 'ref' && f.target) {
    const { title } = referenceOf(f, p.value, p.row, p.refs);
    return <Lookup id={p.id} target={f.target} value={(p.value as string | null) ?? null} title={titleOf(title)} onChange={(id) => p.onChange(id)} isDisabled={common.disabled} describedBy={p.describedBy} label={p.label} isInvalid={p.isInvalid} autoFocus={p.autoFocus} />;
  }
  if (f.type === 'poly') return <PolyEdit {...p} />;
  if (f.type === 'date' || f.type === 'dt') {
    const d = p.value ? dayjs(String(p.value)) : null;
    return (
      <DatePicker
        {...common}
        status={status}
        style={{ width: '100%' }}
        value={d?.isValid() ? d : null}
        showTime={f.type === 'dt' ? { format: 'HH:mm' } : false}
        format={f.type === 'dt' ? ['YYYY-MM-DD HH:mm', 'YYYY/M/D HH:mm', 'YYYYMMDD HHmm'] : ['YYYY-MM-DD', 'YYYY/M/D', 'YYYYMMDD', 'YYYY年M月D日']}
        placeholder="2026-11-23"
        onChange={(next) => p.onChange(!next ? null : f.type === 'date' ? next.format('YYYY-MM-DD') : next.toDate().toISOString())}
        needConfirm={false}
      />
    );
  }
  if (isNumber(f)) return <NumberEdit {...p} />;
  if (f.type === 'long' || f.type === 'json') {
    const text = typeof p.value === 'object' && p.value !== null ? JSON.stringify(p.value, null, 1) : String(p.value ?? '');
    return <Input.TextArea {...common} status={status} autoSize={TEXT_ROWS} value={text} onChange={(e) => p.onChange(e.target.value === '' ? null : e.target.value)} />;
  }
  return (
    <Input
      {...common}
      status={status}
      autoComplete="off"
      value={String(p.value ?? '')}
      onChange={(e) => p.onChange(e.target.value === '' ? null : e.target.value)}
      onKeyDown={(e) => e.key === 'Enter' && !isComposing(e) && !e.ctrlKey && p.onEnter?.()}
    />
  );
}

/* Where a state may go only by steps, the others are shown but not offered. */
function ChoiceEdit(p: EditProps) {
  const c = useCatalogue();
  const i = useI18n();
  const f = p.field;
  const [from] = useState(p.value);
  const options = c
    .choices(f)
    .filter((o) => !o.is_retired || o.value === p.value)
    .map((o) => ({
      value: o.value,
      label: i.label(o) + (o.is_retired ? ` ${i.t('term.retired')}` : ''),
      disabled: f.type === 'fsm' && f.steps !== undefined && from !== undefined && from !== null && o.value !== from && !(f.steps[String(from)] ?? []).includes(o.value),
    }));
  return (
    <Select
      id={p.id}
      style={{ width: '100%' }}
      aria-label={p.label}
      aria-describedby={p.describedBy}
      status={p.isInvalid ? 'error' : undefined}
      disabled={p.isDisabled}
      mode={f.type === 'set' ? (f.list ? 'multiple' : 'tags') : undefined}
      allowClear={clearing(!f.required)}
      showSearch={{ optionFilterProp: 'label' }}
      autoFocus={p.autoFocus}
      value={(p.value ?? (f.type === 'set' ? [] : undefined)) as string}
      options={options}
      onChange={(v: unknown) => p.onChange((v ?? null) as Value)}
    />
  );
}

/* A kind of record, by its name in the reader's language. */
function KindEdit({ kinds, ...p }: EditProps & { kinds: Entity[] }) {
  const i = useI18n();
  const options = kinds.map((e) => ({ value: e.name, label: i.label(e) }));
  const value = (p.value ?? undefined) as string | undefined;
  if (value && !kinds.some((e) => e.name === value)) options.push({ value, label: value });
  return <Select id={p.id} style={{ width: '100%' }} aria-label={p.label} aria-describedby={p.describedBy} status={p.isInvalid ? 'error' : undefined} autoFocus={p.autoFocus} allowClear={clearing(!p.field.required)} showSearch={{ optionFilterProp: 'label' }} value={value} options={options} onChange={(v?: string) => p.onChange(v ?? null)} />;
}

function PolyEdit(p: EditProps) {
  const c = useCatalogue();
  const i = useI18n();
  const nameField = p.field.name_field ?? '';
  const entity = String(p.row?.[nameField] ?? '');
  if (!entity || !c.entity(entity)) return <Input id={p.id} disabled value={i.t('ui.none')} aria-label={p.label} />;
  const { title } = referenceOf(p.field, p.value, p.row, p.refs);
  return <Lookup id={p.id} target={entity} value={(p.value as string | null) ?? null} title={titleOf(title)} onChange={(id) => p.onChange(id)} label={p.label} isInvalid={p.isInvalid} describedBy={p.describedBy} />;
}

/* Text while typing; the number is read when the field is left, so that nothing is rewritten under the fingers. */
function NumberEdit(p: EditProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const shown = typed ?? (p.value === null || p.value === undefined ? '' : decimal(String(p.value)));
  const take = (text: string) => {
    const n = readNumber(text);
    if (n === null) return p.onChange(text);
    if (n === '') return p.onChange(null);
    return p.onChange(p.field.type === 'int' ? Number(n) : n);
  };
  return (
    <Input
      id={p.id}
      className="fb-number"
      inputMode="decimal"
      autoComplete="off"
      aria-describedby={p.describedBy}
      aria-label={p.label}
      aria-invalid={p.isInvalid}
      status={p.isInvalid ? 'error' : undefined}
      prefix={p.field.type === 'money' ? '¥' : undefined}
      disabled={p.isDisabled}
      autoFocus={p.autoFocus}
      value={shown}
      onChange={(e) => {
        setTyped(e.target.value);
        take(e.target.value);
      }}
      onBlur={() => setTyped(null)}
      onKeyDown={(e) => e.key === 'Enter' && !isComposing(e) && !e.ctrlKey && p.onEnter?.()}
    />
  );
}
