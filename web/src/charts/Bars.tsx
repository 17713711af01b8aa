// SPDX-License-Identifier: MIT
// Any entity grouped by one of its fields, as bars from zero; beyond the limit the rest is "other".
import { useMemo } from 'react';
import { useGroup } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Filter } from '../api/types';
import { useI18n } from '../i18n';
import { decimal, shortMoney } from '../i18n/format';
import { listPath, navigate } from '../lib/router';
import { usePalette } from '../theme/mode';
import { valueText } from '../value/text';
import { Chart, type Part } from './Chart';
import { useScopeNote } from './Funnel';

const BARS_MAX = 8;

export interface BarsProps { title: string; entity: string; by: string; sum?: string; filter?: Filter; colour?: number }
const NO_FILTER: Filter = [];

export function Bars({ title, entity, by, sum, filter = NO_FILTER, colour = 0 }: BarsProps) {
  const c = useCatalogue();
  const i = useI18n();
  const p = usePalette();
  const note = useScopeNote(false);
  const field = c.field(entity, by);
  const groups = useGroup(entity, by, filter, sum, field !== undefined);
  const parts = useMemo<Part[]>(() => {
    const all = [...(groups.data ?? [])].sort((a, b) => (sum ? Number(b.sum ?? 0) - Number(a.sum ?? 0) : b.count - a.count));
    const text = (n: number) => (sum ? shortMoney(n, i.lang) : decimal(n));
    const value = (g: (typeof all)[number]) => (sum ? Number(g.sum ?? 0) : g.count);
    const out: Part[] = all.slice(0, BARS_MAX).map((g) => ({
      name: c.title(g.value, i.lang) || g.title || (field ? valueText(c, i, field, g.value) : '') || i.t('ui.empty'), value: value(g), text: text(value(g)),
      onOpen: () => navigate(listPath(entity, [...filter, g.value === null ? [by, 'empty'] : [by, '=', g.value]])),
    }));
    const rest = all.slice(BARS_MAX).reduce((s, g) => s + value(g), 0);
    return rest > 0 ? [...out, { name: i.t('chart.other'), value: rest, text: text(rest) }] : out;
  }, [groups.data, i, c, entity, by, sum, filter, field]);
  const option = useMemo(() => ({
    grid: { left: 4, right: 84, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: 'value', show: false, min: 0 },
    yAxis: { type: 'category', inverse: true, data: parts.map((x) => x.name), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: p.text, width: 110, overflow: 'truncate' } },
    series: [{ type: 'bar', barMaxWidth: 20, cursor: 'pointer', itemStyle: { color: p.chart[colour] }, label: { show: true, position: 'right', color: p.text, formatter: (x: { dataIndex: number }) => parts[x.dataIndex]?.text ?? '' }, data: parts.map((x) => x.value) }],
  }), [parts, p, colour]);
  if (!field) return null;
  return <Chart title={title} option={option} parts={groups.isPending ? undefined : parts} note={groups.isError ? i.t('problem.other') : note} height={Math.max(120, parts.length * 28 + 16)} onPick={(name) => parts.find((x) => x.name === name)?.onOpen?.()} />;
}
