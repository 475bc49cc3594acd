/** The page of the help desk: results as you type, filters, why each was found, and an answer in words. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Help desk</title>
<style>
  body { font: 16px system-ui; margin: 2rem auto; max-width: 46rem; }
  #text { width: 100%; font: inherit; padding: .5rem; box-sizing: border-box; }
  #products { margin: .7rem 0; }
  #products button[aria-pressed=true] { font-weight: bold; }
  article { margin: 1rem 0; }
  h2 { font-size: 1.05rem; margin: 0; }
  .why, #message { color: #666; font-size: .85rem; margin: 0; }
  #said { background: #eef; padding: .7rem; }
  #said:empty { display: none; }
</style>
<h1>Help desk</h1>
<input id="text" autofocus aria-label="Your question">
<div id="products" role="group" aria-label="Products"></div>
<label><input type="checkbox" id="recent"> changed within a year</label>
<button id="ask">Answer me</button>
<p id="message" role="status"></p>
<p id="said" aria-label="Answer"></p>
<div id="hits"></div>
<script type="module">
  const of = (id) => document.querySelector('#' + id);
  const made = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more });
  let product = '';
  let counted; // for which filter: the counts do not depend on what is typed
  let latest = new AbortController();

  function query() {
    const asked = new URLSearchParams({ text: of('text').value, product });
    if (of('recent').checked) asked.set('since', Date.now() - 365 * 86400000);
    return asked;
  }

  function filterOfPage() {
    return product + ' ' + of('recent').checked;
  }

  function why({ ranks, scores }) {
    const parts = [];
    if (ranks.vectors) parts.push('meaning: number ' + ranks.vectors + ' (' + scores.vectors.toFixed(2) + ')');
    if (ranks.keywords) parts.push('words: number ' + ranks.keywords + ' (' + scores.keywords.toFixed(2) + ')');
    return made('p', parts.join(', '), { className: 'why' });
  }

  // What was written elsewhere is put into the page as text, never as HTML.
  function marked({ text, marks }) {
    const shown = document.createElement('p');
    let at = 0;
    for (const [start, end] of marks) {
      shown.append(text.slice(at, start), made('mark', text.slice(start, end)));
      at = end;
    }
    shown.append(text.slice(at));
    return shown;
  }

  function showHit(hit) {
    const shown = document.createElement('article');
    shown.append(made('h2', hit.title), marked(hit.snippet), why(hit));
    return shown;
  }

  function showProducts(values) {
    const buttons = values.map(({ value, count }) => {
      const button = made('button', value + ' ' + count, { onclick: () => choose(value) });
      button.setAttribute('aria-pressed', value === product);
      return button;
    });
    of('products').replaceChildren(...buttons);
  }

  function choose(value) {
    product = product === value ? '' : value;
    search();
  }

  async function search() {
    latest.abort();
    if (of('text').value.trim() === '') return of('hits').replaceChildren();
    const { signal } = (latest = new AbortController());
    try {
      const filter = filterOfPage();
      const answer = await fetch('/search?' + query() + (counted === filter ? '' : '&counts'), { signal });
      const { hits, products, took, degraded, error } = await answer.json();
      if (error) throw new Error(error);
      of('hits').replaceChildren(...hits.map(showHit));
      if (counted !== filter) showProducts(products);
      counted = filter;
      of('message').textContent = [hits.length + ' results in ' + took.toFixed(1) + ' ms', ...degraded].join(', ');
    } catch (error) {
      if (!signal.aborted) of('message').textContent = error.message;
    }
  }

  of('text').oninput = search;
  of('recent').onchange = search;
  of('ask').onclick = () => {
    of('said').textContent = '';
    const events = new EventSource('/chat?' + query());
    events.addEventListener('word', ({ data }) => of('said').append(JSON.parse(data)));
    events.addEventListener('end', () => events.close());
    events.onerror = () => {
      events.close();
      of('message').textContent = 'The answer broke off; ask again.';
    };
  };
</script>
</html>
`;
