// Charts beside their tables: the table stands in the page, the drawing comes when it is in sight and can be loaded.
const FONT = getComputedStyle(document.body).fontFamily;
const value = (hundredths) => Number((hundredths / 100).toFixed(1));

/** Hatched 网络, solid 集中: the same two textures as everywhere. */
const hatch = { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [3, 3], rotation: Math.PI / 4, color: '#CFE4EC', symbolSize: 1 };

/** Two bars a month, never one on the other: the two kinds of hours have no sum. The highest of each is labelled. */
function monthsOption(data, size) {
  const bars = (name, index, colour, decal) => {
    const hours = data.months.map((month) => value(month[index]));
    const highest = hours.indexOf(Math.max(...hours));
    const label = { show: true, position: 'top', fontFamily: FONT, fontSize: size, fontWeight: 600, color: '#211D1A' };
    return {
      name, type: 'bar', barMaxWidth: 22, barGap: '15%', barCategoryGap: '32%',
      itemStyle: { color: colour, borderColor: colour, borderWidth: 1, decal },
      data: hours.map((each, month) => (each === 0 ? null : { value: each, ...(month === highest ? { label } : {}) })),
    };
  };
  const axis = { color: '#6E665E', fontFamily: FONT, fontSize: size };
  return {
    animation: false, aria: { enabled: true, decal: { show: true } },
    grid: { left: 8, right: 8, top: 28, bottom: 4, containLabel: true },
    xAxis: { type: 'category', data: data.labels.slice(0, data.months.length), axisTick: { show: false }, axisLine: { lineStyle: { color: '#8A8175' } }, axisLabel: { ...axis, hideOverlap: true } },
    yAxis: { type: 'value', min: 0, splitNumber: 3, axisLabel: axis, splitLine: { lineStyle: { color: '#E5DED3' } } },
    series: [bars(data.group, 0, '#AF7710', { symbol: 'none' }), bars(data.online, 1, '#1F6F8E', hatch)],
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
