// SPDX-License-Identifier: MIT
import { useSyncExternalStore } from 'react';

/* Whether the window is as a media query says, now and after each change. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (f) => {
      const media = matchMedia(query);
      media.addEventListener('change', f);
      return () => media.removeEventListener('change', f);
    },
    () => matchMedia(query).matches,
  );
}
