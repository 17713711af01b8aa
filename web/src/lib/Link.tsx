// SPDX-License-Identifier: MIT
import type { CSSProperties, MouseEvent, ReactNode } from 'react';
import { navigate, openBehind } from './router';

/* A real link, so that it can be copied and opened in a window of its own; a plain click stays on the page. */
export function Link({ to, children, style, title, label }: { to: string; children: ReactNode; style?: CSSProperties; title?: string; label?: string }) {
  const onClick = (e: MouseEvent) => {
    if (e.button !== 0 || e.shiftKey) return;
    e.preventDefault();
    e.stopPropagation();
    if (e.ctrlKey || e.metaKey) openBehind(to, typeof children === 'string' ? children : '');
    else navigate(to);
  };
  const onAuxClick = (e: MouseEvent) => {
    if (e.button !== 1) return;
    e.preventDefault();
    openBehind(to, typeof children === 'string' ? children : '');
  };
  return (
    <a href={to} onClick={onClick} onAuxClick={onAuxClick} style={style} title={title} aria-label={label}>
      {children}
    </a>
  );
}
