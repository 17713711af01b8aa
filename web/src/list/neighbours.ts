// SPDX-License-Identifier: MIT
// The order of the list a record was opened from, for "previous" and "next" in the record.

const orders = new Map<string, string[]>();
export const rememberOrder = (entity: string, ids: string[]): void => void (ids.length > 0 && orders.set(entity, ids));

export function neighbour(entity: string, id: string, by: 1 | -1): string | null {
  const ids = orders.get(entity) ?? [];
  const at = ids.indexOf(id);
  return at < 0 ? null : (ids[at + by] ?? null);
}
