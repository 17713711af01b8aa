// SPDX-License-Identifier: MIT
// What a failed call says to a person: the node's own sentence where it has one, else ours by its code.
import { Problem } from '../api/client';
import type { I18n, Key } from '../i18n';

const BY_CODE: Record<string, Key> = {
  unreachable: 'form.failed',
  not_found: 'problem.not_found',
  right_missing: 'problem.right',
  right_record: 'problem.right_record',
  field_hidden: 'problem.right',
  changed_since: 'problem.changed_since',
  too_wide: 'problem.too_wide',
  too_large: 'problem.too_large',
  busy: 'problem.busy',
  disk_full: 'problem.disk_full',
  locked: 'problem.locked',
  only_headquarters: 'right.hq_only',
  login_expired: 'login.expired',
  not_opened: 'login.not_opened',
  csrf: 'login.expired',
  check: 'problem.check',
  bad_request: 'problem.other',
};

export function problemSentence(i: I18n, err: unknown): string {
  if (!(err instanceof Problem)) return i.t('problem.other');
  const key = BY_CODE[err.code];
  // The codes whose sentence the node knows better: it names the right, the rule, the limit.
  if (err.detail && ['check', 'right_missing', 'right_record', 'bad_request'].includes(err.code)) return err.detail;
  if (key) return i.t(key, {});
  return err.detail || i.t('problem.other');
}
