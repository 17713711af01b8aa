// SPDX-License-Identifier: MIT
// The values of a record under their headings; a click on one edits it in its place, and only that field is sent.
import { CloseOutlined, CheckOutlined } from '../lib/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { useCatalogue, useSession } from '../api/session';
import type { FieldMark, RecordAnswer, Value } from '../api/types';
import { isWide, type Entity, type Field } from '../catalogue/model';
import { useCanEdit } from '../form/FormBody';
import { checkField, problemText } from '../form/check';
import { isSame } from '../form/state';
import { useI18n } from '../i18n';
import { isComposing } from '../lib/keys';
import { Link } from '../lib/Link';
import { Edit } from '../value/Edit';
import { MarkSign } from '../value/Marks';
import { Show } from '../value/Show';
import { valueText } from '../value/text';
import type { Saving } from './save';

export function Values({ entity, record, saving, mayEdit }: { entity: Entity; record: RecordAnswer; saving: Saving; mayEdit: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const canEdit = useCanEdit(entity.name);
  // Of a part, what it belongs to stands first, where its form does not ask for it.
  const parent = entity.part_of && !entity.layout.form.some((s) => s.fields.includes(entity.part_of!.field)) ? entity.part_of.field : undefined;
  return (
    <>
      {entity.layout.form.map((s, n) => {
        // A field the person may not see is absent from the row, never blank.
        const fields = c.fields(entity.name, n === 0 && parent ? [parent, ...s.fields] : s.fields).filter((f) => f.name in record.row);
        if (fields.length === 0) return null;
        return (
          <section key={s.title_en + s.fields[0]} className="fb-card" aria-label={i.lang === 'zh' ? s.title_zh : s.title_en}>
            <h2>{i.lang === 'zh' ? s.title_zh : s.title_en}</h2>
            <dl className="fb-values">
              {fields.map((f) => <OneValue key={f.name} entity={entity} field={f} record={record} saving={saving} isOpen={mayEdit && canEdit(f)} />)}
            </dl>
          </section>
        );
      })}
    </>
  );
}

function OneValue({ entity, field, record, saving, isOpen }: { entity: Entity; field: Field; record: RecordAnswer; saving: Saving; isOpen: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const stored = (record.row[field.name] ?? null) as Value;
  const [mine, setMine] = useState<{ base: Value; value: Value } | null>(null);
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  // A whole row that is to be sent says so once, in its head.
  const own = record.marks?.[field.name];
  const mark = own?.mark === 'unsent' && record.marks?.['*']?.mark === 'unsent' ? undefined : own;
  const id = `v-${record.row.id}-${field.name}`;

  const save = async () => {
    if (!mine || isBusy) return;
    if (isSame(mine.base, mine.value)) return setMine(null);
    const problem = checkField(field, mine.value);
    if (problem) return setError(problemText(c, i, entity.name, field.name, problem));
    setBusy(true);
    const failed = await saving.patch({ [field.name]: mine.base }, { [field.name]: mine.value });
    setBusy(false);
    if (failed === null) return setMine(null);
    return setError(failed[field.name] ? problemText(c, i, entity.name, field.name, failed[field.name]!) : failed['']?.detail ?? i.t('problem.other'));
  };
  const drop = () => {
    setMine(null);
    setError('');
  };
  return (
    <div className={`fb-value${isWide(field) ? ' fb-wide' : ''}`}>
      <dt id={`${id}-label`}>{i.label(field)}</dt>
      <dd>
        {mine ? (
          <div
            className="fb-edit-here"
            role="group"
            aria-label={i.label(field)}
            onKeyDown={(e) => {
              if (isComposing(e)) return;
              if (e.key === 'Escape') { e.stopPropagation(); drop(); }
              if ((e.ctrlKey || e.metaKey) && (e.key === 's' || e.key === 'Enter')) { e.preventDefault(); e.stopPropagation(); void save(); }
            }}
          >
            <Edit id={id} label={i.label(field)} field={field} value={mine.value} row={record.row} refs={record.references} autoFocus isInvalid={error !== ''} describedBy={error ? `${id}-error` : undefined} onChange={(value) => { setError(''); setMine({ ...mine, value }); }} onEnter={() => void save()} />
            {error && <div id={`${id}-error`} className="fb-error" role="alert">{error}</div>}
            <Button size="small" type="text" icon={<CheckOutlined />} loading={isBusy} aria-label={i.t('ui.save')} onClick={() => void save()} />
            <Button size="small" type="text" icon={<CloseOutlined />} aria-label={i.t('ui.cancel')} onClick={drop} />
          </div>
        ) : (
          <>
            {mark && <MarkSign mark={mark.mark} />}
            <Shown field={field} record={record} mark={mark} />
            {isOpen && (
              <button type="button" className="fb-value-button" style={{ flex: '1 0 24px' }} aria-label={i.t('rec.edit_field', { f: i.label(field) })} onClick={() => setMine({ base: stored, value: stored })}>
                {' '}
              </button>
            )}
          </>
        )}
      </dd>
    </div>
  );
}

/* The value, and what the mark has to say: one's own value under headquarters', the former one struck through. */
function Shown({ field, record, mark }: { field: Field; record: RecordAnswer; mark: FieldMark | undefined }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const own = mark && mark.mine !== undefined ? valueText(c, i, field, mark.mine, record.references, record.row) : '';
  const isOthers = mark?.who !== undefined && mark.who !== session.user.name;
  const isUndecided = mark?.mark === 'disputed' || mark?.mark === 'found';
  return (
    <span style={{ minWidth: 0 }}>
      <span className={isUndecided ? 'fb-undecided' : undefined}><Show field={field} value={record.row[field.name]} refs={record.references} row={record.row} /></span>
      {isUndecided && (
        <div className="fb-was">
          <Link to={mark.mark === 'disputed' ? `/conflicts?id=${mark.id ?? ''}` : '/sync'}>{isOthers ? i.t('rec.value_of', { v: i.value(own), who: mark.who! }) : i.t('rec.yours', { v: i.value(own) })}</Link>
          {' · '}{i.when(mark.at)}
        </div>
      )}
      {mark?.mark === 'held' && <div className="fb-was"><Link to="/held">{i.t('rec.held', { v: i.value(own) })}</Link></div>}
      {mark?.mark === 'adjusted' && own && <div className="fb-was"><s>{own}</s></div>}
    </span>
  );
}
