/**
 * The page of the shop: on the left what a customer does, on the right what happens meanwhile. It is only shown here: the
 * verdict is computed elsewhere. What was written by others is put into the page as text, never as HTML.
 */
import { fenceStrip, waterfall } from '/drawings.js';

const of = (id) => document.getElementById(id);
const made = (tag, more, ...parts) => {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...parts);
  return element;
};
const ask = async (path, options) => {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
};
const post = (path, body, headers = {}) =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
/** Says what went wrong, until something works again. */
const trouble = (text = '') => Object.assign(of('lost'), { textContent: text, hidden: text === '' });

const products = new Map((await ask('/products')).map((product) => [product.id, product]));
const SHELF = [...products.keys()].slice(0, 8);

/** A picture that is not there yet is asked for again. */
function picture({ id, name }) {
  const image = made('img', { alt: name, src: `/pictures/${id}`, width: 120, height: 120 });
  image.onerror = () => setTimeout(() => Object.assign(image, { src: `/pictures/${id}?${Date.now()}` }), 500);
  return image;
}

function show(ids) {
  const cards = ids.map((id) => {
    const product = products.get(id);
    const buy = made('button', { type: 'button', onclick: () => order(product) }, `Buy ${product.name}`);
    return made('article', {}, picture(product), made('span', {}, `€ ${product.price}`), buy);
  });
  of('shelf').replaceChildren(...cards);
}

let latest;
of('text').oninput = async () => {
  latest?.abort();
  const text = of('text').value.trim();
  if (text === '') return show(SHELF);
  latest = new AbortController();
  const { signal } = latest;
  try {
    const { ids, took } = await ask(`/search?${new URLSearchParams({ text })}`, { signal });
    of('found').firstChild.textContent = `${ids.length} found in ${took.toFixed(1)} ms `;
    show(ids);
    trouble();
  } catch (error) {
    if (!signal.aborted) trouble(error.message);
  }
};

let run;
async function order({ id: product, name }) {
  const id = crypto.randomUUID();
  try {
    await post('/orders', { id, account: '42', product }, { prefer: 'respond-async' });
    trouble();
  } catch (error) {
    return trouble(`Not known whether it was ordered: ${error.message}`);
  }
  run?.close();
  of('words').textContent = '';
  run = new EventSource(`/orders/${id}/run`);
  run.onerror = () => run.close(); // asked again, it would tell all of it again
  run.addEventListener('word', ({ data }) => of('words').append(JSON.parse(data)));
  run.addEventListener('restart', () => of('words').replaceChildren());
  run.addEventListener('steps', ({ data }) => of('run').replaceChildren(waterfall(JSON.parse(data))));
  run.addEventListener('end', ({ data }) => {
    run.close();
    of('words').append(` Order of ${name}: ${JSON.parse(data).status}.`);
  });
  const others = await ask(`/products/${product}/with`);
  const names = others.slice(0, 3).map((other) => products.get(other).name);
  of('with').firstChild.textContent =
    names.length > 0 ? `Bought together with ${name}: ${names.join(', ')}. ` : 'Nobody bought that before. ';
}

function showSwitch(id, on) {
  of(id).setAttribute('aria-checked', on);
  of(id).lastChild.textContent = on ? 'on' : 'off';
}
for (const id of ['faults', 'fencing']) {
  of(id).onclick = () => {
    const on = of(id).getAttribute('aria-checked') !== 'true';
    post('/switches', { [id]: on }).catch((error) => trouble(error.message));
  };
}

const told = ({ pictures, checks, purchases, search }) =>
  `pictures: ${pictures.waiting} waiting, ${pictures.done} done · fraud checks: ${checks.running} running, ${checks.done} done, ${checks.stuck} stuck · ${purchases} purchases counted · search ${search.toFixed(1)} ms`;

const live = new EventSource('/live');
live.onerror = () => trouble(`not live since ${new Date().toLocaleTimeString()}`);
live.onopen = () => trouble();
live.addEventListener('snapshot', ({ data }) => {
  const shot = JSON.parse(data);
  of('done').textContent = shot.orders.done.toLocaleString('en');
  of('twice').textContent = shot.chargedTwice;
  of('twice').classList.toggle('wrong', shot.chargedTwice > 0);
  of('refused').textContent = shot.refused;
  of('account').textContent = `account:${shot.account}`;
  of('strip').replaceChildren(fenceStrip(shot));
  if (shot.systems) of('systems').textContent = told(shot.systems);
  showSwitch('faults', shot.faults);
  showSwitch('fencing', shot.fencing);
  const states = [
    ...shot.nodes,
    ...shot.workers.map(({ name, state }) => ({ name: `worker ${name}`, state })),
  ];
  of('servers').textContent = states.map(({ name, state }) => `${name} ${state}`).join(' · ');
});
live.addEventListener('event', ({ data }) => {
  const text = JSON.parse(data);
  const className = /REFUSED/.test(text) ? 'refused' : /TWICE/.test(text) ? 'twice' : '';
  of('events').prepend(made('li', { className }, `${new Date().toLocaleTimeString()} ${text}`));
  for (const old of [...of('events').children].slice(8)) old.remove();
});

show(SHELF);
