/** The pictures of the page, as SVG: who may write to an account, and the steps of a run. Both say the same in a sentence. */

const made = (name, attributes, text) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

export const tail = (token) => `…${String(token).slice(-6, -3)} ${String(token).slice(-3)}`;

/** How much of the past the strip shows, in ms, and how large it is. */
const [PAST, WIDTH, LANE] = [20_000, 600, 26];

/**
 * A lane for each worker: a bar from the seal to the write, a dot for a write that was accepted, a violet cross for one that was
 * refused. A bar is grey where nothing came of it yet.
 */
export function fenceStrip({ account, moments, workers, now }) {
  const lanes = [...new Set([...workers.map(({ name }) => name), ...moments.map(({ worker }) => worker)])];
  const refused = moments.filter(({ kind }) => kind === 'refused');
  const said = `account ${account}: ${moments.filter(({ kind }) => kind === 'charged').length} writes accepted, ${refused.length} refused in the last 20 seconds`;
  const height = LANE * lanes.length + 4;
  const svg = made('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': said });
  const x = (at) => 70 + ((at - now + PAST) / PAST) * (WIDTH - 80);
  for (const [lane, name] of lanes.entries()) {
    const y = LANE * lane + 4;
    svg.append(made('text', { x: 6, y: y + 14 }, `worker ${name}`));
    const own = moments.filter(({ worker }) => worker === name);
    for (const { at, order, token } of own.filter(({ kind }) => kind === 'sealed')) {
      const end = own.find((one) => one.order === order && one.token === token && one.kind !== 'sealed');
      const width = Math.max(3, x(end?.at ?? now) - x(at));
      const kind = end?.kind === 'charged' ? 'held' : 'frozen';
      const bar = made('rect', { class: kind, x: x(at), y: y + 2, width, height: 14, rx: 3 });
      bar.append(made('title', {}, `token ${token}`));
      svg.append(bar);
      if (width > 60) svg.append(made('text', { x: x(at) + 4, y: y + 13 }, tail(token)));
    }
    for (const { kind, at } of own) {
      if (kind === 'charged') svg.append(made('circle', { class: 'written', cx: x(at), cy: y + 9, r: 4 }));
      if (kind !== 'refused') continue;
      const d = `M${x(at) - 5} ${y + 4} l10 10 m0 -10 l-10 10`;
      svg.append(made('path', { class: 'stale', d }));
      svg.append(made('path', { class: 'stale', d: `M${x(at)} 0 V${height}`, 'stroke-dasharray': '2 4' }));
    }
  }
  return svg;
}

/** A bar for each step, as long as it took. */
export function waterfall(steps) {
  const end = Math.max(1, ...steps.map(({ from, took }) => from + took));
  const said = steps.map(({ name, took }) => `${name} ${Math.round(took)} ms`).join(', ');
  const svg = made('svg', {
    viewBox: `0 0 ${WIDTH} ${22 * steps.length + 4}`,
    role: 'img',
    'aria-label': said,
  });
  for (const [row, { name, from, took, attempt, token }] of steps.entries()) {
    const y = 22 * row + 4;
    const x = 110 + (Math.max(0, from) / end) * (WIDTH - 190);
    svg.append(made('text', { x: 6, y: y + 13 }, name));
    const bar = made('rect', {
      class: 'held',
      x,
      y,
      width: Math.max(2, (took / end) * (WIDTH - 190)),
      height: 16,
      rx: 3,
    });
    bar.append(made('title', {}, `token ${token}, attempt ${attempt}`));
    const times = attempt > 1 ? `, attempt ${attempt}` : '';
    svg.append(bar, made('text', { x: WIDTH - 78, y: y + 13 }, `${Math.round(took)} ms${times}`));
  }
  return svg;
}
