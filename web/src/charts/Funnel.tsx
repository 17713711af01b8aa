// SPDX-License-Identifier: MIT
// Open opportunities by stage, in the order of the stages; a part opens its rows.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { getList, useGroup } from '../api/queries';
import { useCatalogue, useSession, useSync } from '../api/session';
import type { Filter } from '../api/types';
import { useI18n } from '../i18n';
import { shortMoney } from '../i18n/format';
import { listPath, navigate } from '../lib/router';
import { usePalette } from '../theme/mode';
import { Chart, type Part } from './Chart';

export function useScopeNote(isMine: boolean): string {
  const i = useI18n();
  const session = useSession();
  const sync = useSync();
  const scope = i.t(isMine ? 'list.mine' : session.node === 'server' ? 'chart.hq_scope' : 'chart.own_scope');
  return sync.data?.last_at ? `${scope} · ${i.t('chart.as_of', { t: i.when(sync.data.last_at) })}` : scope;
}

export default function Funnel({ isMine = false }: { isMine?: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const p = usePalette();
  const note = useScopeNote(isMine);
  const filter = useMemo<Filter>(() => [['outcome', '=', 'open'], ...(isMine ? [['owner_id', 'me'] as Filter[number]] : [])], [isMine]);
  const groups = useGroup('opportunity', 'stage_id', filter, 'amount');
  const stages = useQuery({ queryKey: ['rows', 'stage', 'order'], queryFn: () => getList('stage', { limit: 200, sort: 'position' }), enabled: c.entity('stage') !== undefined, retry: false });
  const parts = useMemo<Part[]>(() => {
    const order = new Map((stages.data?.rows ?? []).map((r, n) => [r.id, n]));
    return [...(groups.data ?? [])]
      .sort((a, b) => (order.get(String(a.value)) ?? 99) - (order.get(String(b.value)) ?? 99))
      .map((g) => ({
        name: c.title(g.value, i.lang) || g.title || i.t('ui.empty'), value: Number(g.sum ?? 0) || g.count, text: `${g.count} · ${shortMoney(Number(g.sum ?? 0), i.lang)}`,
        onOpen: () => navigate(listPath('opportunity', [...filter, ['stage_id', '=', g.value]])),
      }));
  }, [groups.data, stages.data, i, c, filter]);
  const option = useMemo(() => ({
    grid: { left: 4, right: 96, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: 'value', show: false },
    yAxis: { type: 'category', inverse: true, data: parts.map((x) => x.name), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: p.text } },
    series: [{ type: 'bar', barMaxWidth: 22, cursor: 'pointer', itemStyle: { color: p.chart[4] }, label: { show: true, position: 'right', color: p.text, formatter: (x: { dataIndex: number }) => parts[x.dataIndex]?.text ?? '' }, data: parts.map((x) => x.value) }],
  }), [parts, p]);
  if (!c.entity('opportunity')) return null;
  return <Chart title={i.t(isMine ? 'chart.my_funnel' : 'chart.funnel')} option={option} parts={groups.isPending ? undefined : parts} note={note} height={Math.max(120, parts.length * 32 + 16)} onPick={(name) => parts.find((x) => x.name === name)?.onOpen?.()} />;
}
