// SPDX-License-Identifier: MIT
// What the indicator says: one state, the first that holds, of the fifteen of pages.md. Pure, so that all are tested.
import type { Sync, SyncState } from '../api/types';
import type { I18n, Key } from '../i18n';
import type { StateColour } from '../theme/tokens';

export const COLOUR: Record<SyncState, StateColour> = {
  revoked: 'danger', locked: 'danger', cannot_save: 'danger', refused: 'disputed', needs_you: 'disputed', lease: 'disputed',
  first_download: 'busy', running: 'busy', paused: 'quiet', offline_waiting: 'quiet', offline: 'quiet', waiting: 'unsent',
  in_step: 'ok', headquarters: 'ok', lost: 'quiet',
};

/* The page that a click opens. */
const PAGE: Record<SyncState, string> = {
  revoked: '/sync', locked: '/sync', cannot_save: '/sync', refused: '/sync', needs_you: '/held', lease: '/sync',
  first_download: '/sync', running: '/sync', paused: '/sync', offline_waiting: '/sync', offline: '/sync', waiting: '/sync',
  in_step: '/sync', headquarters: '/sync', lost: '/sync',
};

/* What waits for this person: held edits first, then what another program changed. */
export const pageOf = (sync: Sync): string => (sync.state === 'needs_you' && !sync.held ? (sync.found ? '/sync' : '/conflicts') : PAGE[sync.state]);

export function stateText(i: I18n, sync: Sync): string {
  const n = sync.waiting ?? 0;
  const needs = (sync.held ?? 0) + (sync.conflicts ?? 0) + (sync.found ?? 0);
  const first = sync.first;
  const percent = first && first.of > 0 ? Math.min(99, Math.floor((first.rows * 100) / first.of)) : 0;
  const params: Record<SyncState, Record<string, string | number>> = {
    revoked: {}, locked: {}, cannot_save: {}, lost: {}, headquarters: {},
    refused: { n: String(n) },
    needs_you: { n: String(needs) },
    lease: { n: sync.lease?.days ?? 0 },
    first_download: { p: percent },
    running: { a: String(sync.progress?.a ?? 0), b: String(sync.progress?.b ?? 0) },
    paused: { n: String(n) },
    offline_waiting: { n: String(n) },
    offline: { t: i.when(sync.last_at) || '–' },
    waiting: { n: String(n), t: i.when(sync.last_at ?? sync.since) || '–' },
    in_step: { t: i.when(sync.last_at) || '–' },
  };
  return i.t(`state.${sync.state}` as Key, params[sync.state]);
}
