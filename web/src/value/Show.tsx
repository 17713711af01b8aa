// SPDX-License-Identifier: MIT
// One value as a reader sees it: choices as quiet chips, references as links, names at headquarters in grey.
import { BankOutlined } from '../lib/icons';
import { Tooltip } from 'antd';
import { useCatalogue } from '../api/session';
import type { References, Row } from '../api/types';
import { isChoice, type Field } from '../catalogue/model';
import { useI18n } from '../i18n';
import { middleCut } from '../i18n/format';
import { Link } from '../lib/Link';
import { recordPath } from '../lib/router';
import { isReference, referenceOf, titleOf, titleWords, valueText } from './text';

const TITLE_CHARS_MAX = 24;

export interface ShowProps { field: Field; value: unknown; refs?: References; row?: Row; isPlain?: boolean }

export function AtHeadquarters({ title }: { title: string }) {
  const { t } = useI18n();
  return (
    <Tooltip title={t('term.details_at_hq')}>
      <span className="fb-quiet">
        <BankOutlined aria-hidden /> {title} <span className="fb-sr">{t('term.details_at_hq')}</span>
      </span>
    </Tooltip>
  );
}

export function Show({ field, value, refs, row, isPlain }: ShowProps) {
  const c = useCatalogue();
  const i = useI18n();
  const text = valueText(c, i, field, value, refs, row);
  if (text === '') return isPlain ? null : <span className="fb-quiet" aria-label={i.t('ui.empty')}>–</span>;
  if ((field.type === 'ref' || field.type === 'poly') && !isPlain) {
    const { entity, title } = referenceOf(field, value, row, refs);
    const name = titleWords(c, i, entity, String(value), titleOf(title));
    if (isReference(title)) return <AtHeadquarters title={name} />;
    if (!name || !c.entity(entity) || entity === 'employee' || c.entity(entity)?.part_of) return <span title={text}>{middleCut(text, TITLE_CHARS_MAX)}</span>;
    return <Link to={recordPath(entity, String(value))} title={name}>{middleCut(name, TITLE_CHARS_MAX)}</Link>;
  }
  if (isChoice(field)) {
    const choice = c.choice(field, value);
    return (
      <span className="fb-chip">
        {text}
        {choice?.is_retired && <span className="fb-quiet"> {i.t('term.retired')}</span>}
      </span>
    );
  }
  if (field.type === 'set') return <>{(Array.isArray(value) ? value : []).map((v) => <span key={String(v)} className="fb-chip">{i.label(c.choice(field, v)) || String(v)}</span>)}</>;
  if (field.type === 'text' && !isPlain) return <TextLink field={field} text={text} raw={String(value)} />;
  if (field.type === 'long') return <span className="fb-long">{text}</span>;
  return <>{text}</>;
}

/* Mail, telephone and web open with what the desktop has for them. */
function TextLink({ field, text, raw }: { field: Field; text: string; raw: string }) {
  if (/^https?:\/\/[^\s]+$/i.test(raw)) return <a href={raw} target="_blank" rel="noreferrer noopener">{text}</a>;
  if (/email|mail$/.test(field.name) && /^[^\s@]+@[^\s@]+$/.test(raw)) return <a href={`mailto:${encodeURIComponent(raw).replace('%40', '@')}`}>{text}</a>;
  if (/mobile|phone|tel$/.test(field.name)) return <a href={`tel:${raw.replace(/[^\d+]/g, '')}`}>{text}</a>;
  // What programs call something, such as a list of choices.
  if (/^[a-z]+(_[a-z]+)+$/.test(raw)) return <code>{text}</code>;
  return <span title={text}>{text}</span>;
}
