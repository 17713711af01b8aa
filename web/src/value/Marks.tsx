// SPDX-License-Identifier: MIT
// The marks of synchronisation: a shape and a word always go with the colour, drawn 16 px wide.
import { Tooltip } from 'antd';
import type { Mark } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { usePalette } from '../theme/mode';
import type { StateColour } from '../theme/tokens';

const SHAPES: Record<string, string> = {
  ok: 'M3 8.5 6.5 12 13 4.5',
  unsent: 'M8 13V3M4 7l4-4 4 4',
  disputed: 'M8 1.8 14.2 8 8 14.2 1.8 8z',
  held: 'M2.5 2.5h11v11h-11zM5 8h6',
  adjusted: 'M1.5 9.5c2-5 4.5-5 6.5-1.5s4.5 3.5 6.5-1.5',
  quiet: 'M2.5 14V3h7v11M9.5 7h4v7M1.5 14h13M5 6h2M5 9h2',
  danger: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
};
const COLOUR: Record<Mark, StateColour> = { unsent: 'unsent', disputed: 'disputed', held: 'held', adjusted: 'adjusted', found: 'disputed' };

export function Shape({ state, size = 16 }: { state: StateColour; size?: number }) {
  const p = usePalette();
  const isSolid = state === 'disputed';
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" style={{ flex: 'none', verticalAlign: '-3px' }}>
      <path d={SHAPES[state === 'busy' ? 'unsent' : state]} fill={isSolid ? p.states[state].mark : 'none'} stroke={p.states[state].mark} strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

export function MarkSign({ mark, detail }: { mark: Mark; detail?: string }) {
  const { t, lang } = useI18n();
  const word = t(`mark.${mark}` as Key);
  const text = detail ? `${word}${lang === 'zh' ? '：' : ': '}${detail}` : word;
  return (
    <Tooltip title={text}>
      <span role="img" aria-label={text} className={`fb-mark fb-mark-${mark}`} tabIndex={-1}>
        <Shape state={COLOUR[mark]} />
        <span className="fb-print-only">[{word}]</span>
      </span>
    </Tooltip>
  );
}

export const markColour = (mark: Mark): StateColour => COLOUR[mark];
