// SPDX-License-Identifier: MIT
//
// Charts: Chart.tsx is the one place that knows ECharts (loaded only where a chart is shown): our colours, direct
// labels, decal patterns, a description and "show as table" for those who don't see it; a click or Enter on a part opens
// exactly its rows. Funnel, Bars and Relations say what is drawn.
import { Button } from 'antd';
import { BarChart, FunnelChart, GraphChart, LineChart, TreeChart } from 'echarts/charts';
import { AriaComponent, GridComponent, TooltipComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useI18n } from '../i18n';
import { useIsDark, usePalette } from '../theme/mode';
import { FONT } from '../theme/tokens';

echarts.use([BarChart, FunnelChart, GraphChart, LineChart, TreeChart, AriaComponent, GridComponent, TooltipComponent, CanvasRenderer]);

export interface Part { name: string; value: number; text: string; onOpen?: () => void }
export interface ChartProps { title: string; option: echarts.EChartsCoreOption; parts?: Part[]; note?: string; height?: number; onPick?: (name: string, data: unknown) => void; extra?: ReactNode }

export function Chart({ title, option, parts, note, height, onPick, extra }: ChartProps) {
  const i = useI18n();
  const p = usePalette();
  const isDark = useIsDark();
  const box = useRef<HTMLDivElement>(null);
  const [isTable, setTable] = useState(false);
  const pick = useRef(onPick);
  pick.current = onPick;
  useEffect(() => {
    const el = box.current;
    if (!el || isTable) return undefined;
    const chart = echarts.init(el) /* on canvas: as SVG it would animate by style elements, which our policy refuses */;
    chart.setOption({
      color: p.chart,
      backgroundColor: 'transparent',
      textStyle: { color: p.text, fontFamily: FONT, fontSize: 12 },
      animation: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
      animationDuration: 180,
      animationDurationUpdate: 180,
      aria: { enabled: true, decal: { show: true, decals: { color: isDark ? 'rgba(0,0,0,0.28)' : 'rgba(255,255,255,0.28)', symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 6], rotation: -0.7 } } },
      tooltip: { renderMode: 'richText', backgroundColor: p.raised, borderColor: p.split, textStyle: { color: p.text } },
      ...option,
    });
    chart.on('click', (e) => pick.current?.(e.name, e.data));
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(el);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [option, isTable, isDark]); // eslint-disable-line
  const words = parts?.map((x) => `${x.name} ${x.text}`).join(i.lang === 'zh' ? '，' : ', ') ?? '';
  return (
    <figure className="fb-card" style={{ margin: 0 }} aria-label={title}>
      <div className="fb-bar" style={{ marginBottom: 4 }}>
        <h2 style={{ margin: 0 }}>{title}</h2>
        <span className="fb-push" />
        {extra}
        {parts && <Button size="small" type="text" onClick={() => setTable(!isTable)}>{i.t(isTable ? 'chart.as_chart' : 'chart.as_table')}</Button>}
      </div>
      {isTable || (parts && parts.length === 0) ? <PartTable parts={parts ?? []} /> : <div ref={box} className="fb-chart" style={height ? { height } : undefined} role="img" aria-label={`${title}${i.lang === 'zh' ? '：' : ': '}${words}`} />}
      {note && <figcaption className="fb-quiet" style={{ fontSize: 12 }}>{note}</figcaption>}
    </figure>
  );
}

function PartTable({ parts }: { parts: Part[] }) {
  const i = useI18n();
  if (parts.length === 0) return <p className="fb-quiet">{i.t('chart.nothing')}</p>;
  return (
    <table className="fb-three">
      <tbody>
        {parts.map((x) => (
          <tr key={x.name}>
            <th scope="row">{x.onOpen ? <Button type="link" size="small" onClick={x.onOpen}>{x.name}</Button> : x.name}</th>
            <td className="fb-number">{x.text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
