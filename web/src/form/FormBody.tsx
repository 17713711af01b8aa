// SPDX-License-Identifier: MIT
// Fields under their headings, labels above, two or three columns; the error stands beside its field and is summed above.
import { Alert } from 'antd';
import { useEffect, useRef } from 'react';
import { useCatalogue, useSession } from '../api/session';
import type { FieldProblems, Marks, References, Row, Value } from '../api/types';
import { isReadOnly, isWide, type Entity, type Field, type Section } from '../catalogue/model';
import { useI18n } from '../i18n';
import { Edit } from '../value/Edit';
import { MarkSign } from '../value/Marks';
import { problemText } from './check';
import type { Values } from './state';

export interface FormBodyProps {
  entity: Entity;
  sections: Section[];
  values: Values;
  refs?: References;
  marks?: Marks;
  problems: FieldProblems;
  onChange: (name: string, value: Value) => void;
  focusField?: string;
  columns?: 1 | 2;
  prefix?: string;
}

export function useCanEdit(entity: string): (f: Field) => boolean {
  const session = useSession();
  return (f) => !isReadOnly(f) && session.fields?.[entity]?.[f.name] !== 'read' && !(f.server_only && session.node === 'replica');
}

export function FormBody(p: FormBodyProps) {
  const c = useCatalogue();
  const i = useI18n();
  const canEdit = useCanEdit(p.entity.name);
  const top = useRef<HTMLDivElement>(null);
  const names = Object.keys(p.problems);
  const count = names.length;
  const idOf = (name: string) => `${p.prefix ?? 'f'}-${p.entity.name}-${name}`;
  useEffect(() => {
    if (count > 0) document.getElementById(idOf(names[0]!))?.focus();
  }, [count]); // eslint-disable-line
  return (
    <div ref={top} className={`fb-form${p.columns === 1 ? ' fb-form-1' : ''}`}>
      {count > 0 && (
        <Alert
          type="error"
          role="alert"
          style={{ marginBottom: 12 }}
          title={i.t('form.errors', { n: count })}
          description={<ul className="fb-plain">{names.map((n) => <li key={n}><a href={`#${idOf(n)}`} onClick={(e) => { e.preventDefault(); document.getElementById(idOf(n))?.focus(); }}>{i.label(c.field(p.entity.name, n)) || n}</a>{i.lang === 'zh' ? '：' : ': '}{problemText(c, i, p.entity.name, n, p.problems[n]!)}</li>)}</ul>}
        />
      )}
      {p.sections.map((s) => {
        const fields = c.fields(p.entity.name, s.fields).filter(canEdit);
        if (fields.length === 0) return null;
        const title = i.lang === 'zh' ? s.title_zh : s.title_en;
        return (
          <fieldset key={s.title_en + s.fields[0]} className="fb-section">
            {title && <legend>{title}</legend>}
            <div className="fb-fields">
              {fields.map((f) => (
                <FormField key={f.name} id={idOf(f.name)} field={f} body={p} autoFocus={f.name === p.focusField} />
              ))}
            </div>
          </fieldset>
        );
      })}
    </div>
  );
}

function FormField({ id, field, body, autoFocus }: { id: string; field: Field; body: FormBodyProps; autoFocus: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const problem = body.problems[field.name];
  const mark = body.marks?.[field.name];
  return (
    <div className={`fb-field${isWide(field) ? ' fb-wide' : ''}`}>
      <label htmlFor={id}>
        {i.label(field)}
        {field.required && <span className="fb-star" aria-hidden> *</span>}
        {mark && <MarkSign mark={mark.mark} />}
      </label>
      <Edit
        id={id}
        field={field}
        value={body.values[field.name]}
        row={body.values as Row}
        refs={body.refs}
        onChange={(v) => body.onChange(field.name, v)}
        isInvalid={problem !== undefined}
        describedBy={problem ? `${id}-error` : undefined}
        autoFocus={autoFocus}
      />
      {problem && <div id={`${id}-error`} className="fb-error">{problemText(c, i, body.entity.name, field.name, problem)}</div>}
    </div>
  );
}
