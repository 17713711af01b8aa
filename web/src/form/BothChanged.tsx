// SPDX-License-Identifier: MIT
// The same field, saved twice: what you saw, what the other wrote, what you wrote. Nothing is chosen for you, any value
// can be typed over, and closing keeps what was typed as a draft.
import { Button, Modal, Radio } from 'antd';
import { useState } from 'react';
import { useCatalogue } from '../api/session';
import type { References, Row, Value } from '../api/types';
import type { Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import type { Clash } from '../record/save';
import { Edit } from '../value/Edit';
import { valueText } from '../value/text';
import type { Values } from './state';

type Choice = 'base' | 'theirs' | 'mine' | 'other';

export function BothChangedDialog({ entity, clash, refs, row }: { entity: Entity; clash: Clash; refs?: References; row?: Row }) {
  const c = useCatalogue();
  const i = useI18n();
  const [choice, setChoice] = useState<Record<string, Choice>>({});
  const [other, setOther] = useState<Values>({});
  const names = Object.keys(clash.fields);
  const isReady = names.every((n) => choice[n] !== undefined);
  const text = (name: string, v: Value) => {
    const f = c.field(entity.name, name);
    return i.value(f ? valueText(c, i, f, v, refs, row) : String(v ?? ''));
  };
  const done = () =>
    clash.settle(Object.fromEntries(names.map((n) => {
      const f = clash.fields[n]!;
      return [n, choice[n] === 'other' ? (other[n] ?? null) : f[choice[n] as 'base' | 'theirs' | 'mine']];
    })));
  return (
    <Modal open width={760} title={i.t('both.title')} onCancel={() => clash.settle(null)} footer={[
      <Button key="back" onClick={() => clash.settle(null)}>{i.t('both.back')}</Button>,
      <Button key="use" type="primary" disabled={!isReady} onClick={done}>{i.t('both.use')}</Button>,
    ]}>
      {names.map((name) => {
        const f = clash.fields[name]!;
        const field = c.field(entity.name, name);
        return (
          <section key={name} style={{ marginBottom: 16 }}>
            <p>{i.t('form.both', { who: f.who || i.t('both.someone'), f: i.label(field) || name, theirs: text(name, f.theirs), mine: text(name, f.mine), n: clash.saved })} <span className="fb-quiet">{i.when(f.at)}</span></p>
            <Radio.Group value={choice[name]} onChange={(e) => setChoice({ ...choice, [name]: e.target.value as Choice })} aria-label={i.label(field)} style={{ display: 'grid', gap: 6 }}>
              <Radio value="base">{i.t('both.saw')}{i.lang === 'zh' ? '：' : ': '}<strong>{text(name, f.base)}</strong></Radio>
              <Radio value="theirs">{f.who || i.t('both.someone')}{i.lang === 'zh' ? '：' : ': '}<strong>{text(name, f.theirs)}</strong></Radio>
              <Radio value="mine">{i.t('both.you')}{i.lang === 'zh' ? '：' : ': '}<strong>{text(name, f.mine)}</strong></Radio>
              {field && <Radio value="other">{i.t('conf.other')}</Radio>}
            </Radio.Group>
            {field && choice[name] === 'other' && <Edit id={`both-${name}`} label={i.label(field)} field={field} value={other[name] ?? f.mine} refs={refs} row={row} onChange={(v) => setOther({ ...other, [name]: v })} />}
          </section>
        );
      })}
    </Modal>
  );
}
