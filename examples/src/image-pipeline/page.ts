/** The page that shows the pictures arriving. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Image pipeline</title>
<style>
  body { font: 16px system-ui; margin: 2rem; }
  #pictures { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
  figure { margin: 0; width: 200px; }
  img, .empty { width: 200px; height: 200px; background: #ddd; display: block; }
</style>
<h1>Image pipeline</h1>
<input type="file" id="files" accept="image/*" multiple aria-label="Pictures to upload">
<p id="message" role="status"></p>
<div id="pictures"></div>
<script type="module">
  const shown = new Map();
  const message = document.querySelector('#message');
  async function show(id) {
    const { state, thumbnail, watermarked } = await (await fetch('/pictures/' + id)).json();
    const figure = shown.get(id);
    if (thumbnail && !figure.querySelector('img')) {
      figure.querySelector('.empty').replaceWith(Object.assign(new Image(), { src: thumbnail, alt: 'thumbnail' }));
    }
    figure.querySelector('figcaption').innerHTML = watermarked ? '<a href="' + watermarked + '">watermarked</a>' : state;
  }
  new EventSource('/events').onmessage = ({ data }) => shown.has(data) && show(data);
  document.querySelector('#files').onchange = async ({ target }) => {
    for (const file of target.files) {
      const answer = await fetch('/pictures', { method: 'POST', body: file });
      const { id, error } = await answer.json();
      message.textContent = error ?? '';
      if (!id) continue;
      const figure = document.createElement('figure');
      figure.innerHTML = '<div class="empty"></div><figcaption>stored</figcaption>';
      document.querySelector('#pictures').prepend(figure);
      shown.set(id, figure);
      show(id);
    }
  };
</script>
</html>
`;
