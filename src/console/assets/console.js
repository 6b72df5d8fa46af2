// The console's script: draws the curves, keeps the first page fresh, asks before what cannot be undone. Pages work without it.
(() => {
  const EVERY = 5000;
  const plots = [];

  function draw(box) {
    const [xs, ys] = JSON.parse(box.dataset.series);
    const width = box.clientWidth;
    if (width === 0 || globalThis.uPlot === undefined) return;
    const style = getComputedStyle(box);
    const [line, under, text, grid] = ['--line', '--under', '--soft', '--edge'].map((name) =>
      style.getPropertyValue(name).trim(),
    );
    const axis = { stroke: text, font: '11px system-ui', ticks: { show: false }, grid: { stroke: grid, width: 1 } };
    const end = xs.at(-1);
    const plot = new globalThis.uPlot(
      {
        width,
        height: 120,
        legend: { show: false },
        cursor: { show: false },
        // A time of day at the end is half beside it.
        padding: [8, 18, 0, 0],
        scales: {
          x: { range: () => [Math.max(end - 3600, Math.min(xs[0], end - 600)), end] },
          y: { range: (_, __, most) => [0, Math.max(4, (most ?? 0) * 1.1)] },
        },
        axes: [
          { ...axis, size: 22, space: 70, values: (_, at) => at.map(clock) },
          {
            ...axis,
            size: 44,
            space: 28,
            values: (_, at) => at.map((value) => (Number.isInteger(value) ? short(value) : '')),
          },
        ],
        series: [{}, { stroke: line, fill: under, width: 1.5, points: { show: false } }],
      },
      [xs, ys],
      box,
    );
    plots.push(plot);
  }

  function clock(seconds) {
    return new Date(seconds * 1000).toISOString().slice(11, 16);
  }

  function short(value) {
    return value < 10_000 ? `${value}` : `${Math.round(value / 1000)}k`;
  }

  function drawAll() {
    for (const plot of plots.splice(0)) plot.destroy();
    for (const box of document.querySelectorAll('.chart')) draw(box);
  }

  /** Puts the page's live part anew; what somebody has focused there stays. */
  async function refresh(live) {
    try {
      const response = await fetch(live.dataset.live, { headers: { accept: 'text/html' } });
      if (response.ok && !document.hidden) {
        const page = new DOMParser().parseFromString(await response.text(), 'text/html');
        const fresh = page.querySelector('[data-live]');
        const isHeld = live.contains(document.activeElement) || !getSelection().isCollapsed;
        if (fresh !== null && !isHeld) {
          live.replaceChildren(...fresh.childNodes);
          drawAll();
        }
      }
    } catch {
      // The process is away; the next time tells.
    }
    setTimeout(refresh, EVERY, live);
  }

  const live = document.querySelector('[data-live]');
  if (live !== null) setTimeout(refresh, EVERY, live);
  if (document.querySelector('.chart') !== null || live !== null) {
    drawAll();
    addEventListener('resize', drawAll);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  }

  addEventListener('submit', (event) => {
    const { confirm: question } = event.submitter?.dataset ?? {};
    const asked = question ?? event.target.dataset.confirm;
    if (asked !== undefined && !confirm(asked)) event.preventDefault();
  });

  const all = document.querySelector('input.all');
  if (all !== null) {
    all.hidden = false;
    all.addEventListener('change', () => {
      for (const box of document.querySelectorAll('input[name=key]')) box.checked = all.checked;
    });
  }
})();
