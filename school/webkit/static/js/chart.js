// Charts beside their tables: the table stands in the page, the drawing comes when it is in sight and can be loaded.
const FONT = getComputedStyle(document.body).fontFamily;
const value = (hundredths) => Number((hundredths / 100).toFixed(2));

/** Hatched 网络, solid 集中: the same two textures as everywhere. */
const hatch = { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [3, 3], rotation: Math.PI / 4, color: '#CFE4EC', symbolSize: 1 };

function monthsOption(data, size) {
  const totals = data.months.map(([group, online]) => group + online);
  const highest = totals.indexOf(Math.max(...totals));
  const label = (kind) => ({ show: false, fontFamily: FONT, fontSize: size, fontWeight: 600, color: '#211D1A', position: 'top', formatter: kind });
  const bars = (name, index, itemStyle) => ({
    name, type: 'bar', stack: 'hours', barWidth: '55%', itemStyle,
    data: data.months.map((month) => value(month[index])), label: label(''),
  });
  const online = bars(data.online, 1, { color: '#1F6F8E', borderColor: '#1F6F8E', decal: hatch });
  online.data = online.data.map((hours, month) => (month === highest
    ? { value: hours, label: { show: true, formatter: () => String(value(totals[month])) } } : hours));
  return {
    animation: false, aria: { enabled: true, decal: { show: true } }, textStyle: { fontFamily: FONT },
    grid: { left: 8, right: 8, top: 28, bottom: 4, containLabel: true },
    xAxis: { type: 'category', data: data.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: '#8A8175' } }, axisLabel: { color: '#6E665E', fontSize: size, hideOverlap: true } },
    yAxis: { type: 'value', min: 0, splitNumber: 3, axisLabel: { color: '#6E665E', fontSize: size }, splitLine: { lineStyle: { color: '#E5DED3' } } },
    series: [bars(data.group, 0, { color: '#AF7710', decal: { symbol: 'none' } }), online],
  };
}

async function draw(card) {
  const box = card.querySelector('.chart-box');
  const data = JSON.parse(card.querySelector('.chart-data').textContent);
  const { init } = await import('../vendor/echarts.esm.mjs');
  box.hidden = false;
  const size = document.documentElement.hasAttribute('data-elder') ? 18 : 13;
  const chart = init(box, null, { renderer: 'svg' });
  chart.setOption(monthsOption(data, size));
  addEventListener('resize', () => chart.resize());
  card.querySelector('details').open = false;
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target).catch(() => { entry.target.querySelector('.chart-box').hidden = true; }); // the table stays open
  }
}, { rootMargin: '200px' });
for (const card of document.querySelectorAll('[data-chart]')) seen.observe(card);
