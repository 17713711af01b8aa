// SPDX-License-Identifier: MIT
// The panels of a record as tabs, by the pattern of ARIA: one tab stop, arrows, Home and End move. Related records that are
// not there yet fold into a menu beyond the first few, so that nothing is measured. Plain elements: Ant Design's tabs need
// longer than all the values of a record.
import { Button, Dropdown } from 'antd';
import { useRef, type KeyboardEvent, type ReactNode } from 'react';
import { EllipsisOutlined } from '../lib/icons';
import { useI18n } from '../i18n';
import { isComposing } from '../lib/keys';

const ROOM = 8;

export interface Panel { key: string; label: string; isEmpty?: boolean; draw: () => ReactNode }

/* Those with a tab of their own: what is there, and what could be while there is room, the chosen one always. */
export function withTabs(panels: Panel[], chosen: string): Panel[] {
  let room = ROOM - panels.filter((p) => !p.isEmpty).length;
  return panels.filter((p) => !p.isEmpty || p.key === chosen || room-- > 0);
}

const STEPS: Record<string, (at: number, n: number) => number> = {
  ArrowRight: (at, n) => (at + 1) % n, ArrowLeft: (at, n) => (at + n - 1) % n, Home: () => 0, End: (_, n) => n - 1,
};

export function Panels({ id, panels, chosen, onChoose }: { id: string; panels: Panel[]; chosen: string; onChoose: (key: string) => void }) {
  const i = useI18n();
  const bar = useRef<HTMLDivElement>(null);
  const here = panels.find((p) => p.key === chosen) ?? panels[0]!;
  const shown = withTabs(panels, here.key);
  const folded = panels.filter((p) => !shown.includes(p));
  const onKeyDown = (e: KeyboardEvent) => {
    const to = STEPS[e.key]?.(shown.indexOf(here), shown.length);
    if (to === undefined || isComposing(e)) return;
    e.preventDefault();
    onChoose(shown[to]!.key);
    bar.current?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
  };
  return (
    <>
      <div className="fb-panels">
        <div ref={bar} role="tablist" aria-label={i.t('rec.panels')} onKeyDown={onKeyDown}>
          {shown.map((p) => (
            <button key={p.key} type="button" role="tab" id={`tab-${id}-${p.key}`} aria-selected={p === here} aria-controls={`panel-${id}`} tabIndex={p === here ? 0 : -1} onClick={() => onChoose(p.key)}>
              {p.label}
            </button>
          ))}
        </div>
        {folded.length > 0 && (
          <Dropdown trigger={['click']} menu={{ items: folded.map((p) => ({ key: p.key, label: p.label })), onClick: ({ key }) => onChoose(key) }}>
            <Button type="text" size="small" icon={<EllipsisOutlined aria-hidden />} aria-label={i.t('list.more_n', { n: folded.length })} />
          </Dropdown>
        )}
      </div>
      <div role="tabpanel" id={`panel-${id}`} aria-labelledby={`tab-${id}-${here.key}`} key={here.key}>{here.draw()}</div>
    </>
  );
}
