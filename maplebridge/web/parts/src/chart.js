// Charts of what a table beside them says; the table stays for whoever cannot see them.
import { LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([LineChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

const drawn = new WeakMap();

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Rows of a table: the first cell names, the others are numbers.
export function rowsOf(table) {
  return [...table.tBodies[0].rows].map((row) => {
    const [name, ...numbers] = [...row.cells].map((cell) => cell.textContent.trim());
    return [name, ...numbers.map(Number)];
  });
}

export function drawTrend(box, table) {
  const rows = rowsOf(table);
  let chart = drawn.get(box);
  if (!chart) {
    chart = init(box, null, { renderer: "canvas" });
    drawn.set(box, chart);
    new ResizeObserver(() => chart.resize()).observe(box);
  }
  const line = (name, at, colour, dashed) => ({
    name,
    type: "line",
    data: rows.map((row) => row[at]),
    smooth: 0.2,
    symbol: dashed ? "emptyCircle" : "circle",
    symbolSize: 5,
    lineStyle: { color: colour, width: 2.5, type: dashed ? "dashed" : "solid" },
    itemStyle: { color: colour },
    areaStyle: dashed ? undefined : { color: colour, opacity: 0.12 },
  });
  const size = Math.round(Number.parseFloat(getComputedStyle(box).fontSize) * 0.8);
  const { fontFamily } = getComputedStyle(box);
  const soft = { color: token("ink-soft"), fontFamily, fontSize: size };
  chart.setOption({
    animation: false,
    grid: { left: 8, right: 12, top: 34, bottom: 4, containLabel: true },
    legend: { top: 0, right: 0, textStyle: soft, itemGap: 18 },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      backgroundColor: token("card"),
      borderColor: token("line-strong"),
      textStyle: { color: token("ink") },
    },
    xAxis: {
      type: "category",
      data: rows.map((row) => row[0]),
      boundaryGap: false,
      axisLine: { lineStyle: { color: token("line-strong") } },
      axisTick: { show: false },
      axisLabel: soft,
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      axisLabel: soft,
      splitLine: { lineStyle: { color: token("line") } },
    },
    series: [
      line(box.dataset.opened, 1, token("maple"), false),
      line(box.dataset.closed, 2, token("jade"), true),
    ],
  });
}
