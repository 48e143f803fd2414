/** The page at `/`: what the registry holds, and how the server is. */
export const homePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>oci-server</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/home.js"></script>
</head>
<body>
<header>
  <h1>oci-server</h1>
  <span id="state" role="status"></span>
  <nav><a href="/docs">API</a><a href="/openapi.json">openapi.json</a><a href="/metrics">Metrics</a></nav>
</header>
<main>
  <ul class="tiles" id="figures" aria-label="Figures"></ul>
  <form id="search">
    <label>Namespace <input name="namespace" value="kcl" required maxlength="255"></label>
    <label>Name contains <input name="search" maxlength="128"></label>
    <label>Sort by
      <select name="sort">
        <option value="name">name</option>
        <option value="-version">newest version</option>
        <option value="-created_at">newest</option>
        <option value="-size">largest</option>
      </select>
    </label>
    <label>Token <input name="token" type="password" autocomplete="off" placeholder="where it is needed"></label>
    <button>Show</button>
  </form>
  <p class="message" id="message" role="status"></p>
  <table id="artifacts" hidden>
    <thead><tr><th>Name</th><th>Version</th><th>Size</th><th>Created</th><th>Manifest</th></tr></thead>
    <tbody></tbody>
  </table>
  <p><button id="more" type="button" hidden>More</button></p>
</main>
</body>
</html>
`;

/** What it runs; texts of others go into text nodes only. */
export const homeScript = `
const form = document.getElementById('search');
const table = document.getElementById('artifacts');
const rows = table.querySelector('tbody');
const message = document.getElementById('message');
const more = document.getElementById('more');
let cursor = null;

form.elements.token.value = sessionStorage.getItem('token') ?? '';
const headers = () => {
  const token = form.elements.token.value.trim();
  return token ? { authorization: 'Bearer ' + token } : {};
};

async function call(path) {
  const answer = await fetch(path, { headers: headers() });
  const body = await answer.json();
  if (body.success) return body.data;
  throw new Error(body.error.message + (body.error.hint ? ' ' + body.error.hint : ''));
}

function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit += 1) count /= 1000;
  return (unit === 0 ? count : count.toFixed(1)) + ' ' + units[unit];
}

function cell(row, text, kind) {
  const td = row.insertCell();
  if (kind === 'code') td.appendChild(document.createElement('code')).textContent = text;
  else td.textContent = text;
  if (kind === 'number') td.className = kind;
}

async function show(isMore) {
  message.className = 'message';
  message.textContent = 'Loading…';
  const query = new URLSearchParams({ namespace: form.elements.namespace.value.trim(), sort: form.elements.sort.value, limit: '50' });
  if (form.elements.search.value) query.set('search', form.elements.search.value);
  if (isMore && cursor) query.set('cursor', cursor);
  try {
    const page = await call('/api/v1/oci/artifacts?' + query);
    if (!isMore) rows.replaceChildren();
    for (const artifact of page.artifacts) {
      const row = rows.insertRow();
      cell(row, artifact.name);
      cell(row, artifact.version);
      cell(row, bytes(artifact.size), 'number');
      cell(row, artifact.created_at ?? '');
      cell(row, artifact.digest, 'code');
    }
    cursor = page.next_cursor;
    table.hidden = page.total === 0;
    more.hidden = cursor === null;
    const asked = new Date(page.indexed_at).toLocaleTimeString();
    message.textContent = page.total + ' versions, as of ' + asked + (page.stale ? ' (the registry could not be asked since)' : '');
  } catch (error) {
    message.className = 'message error';
    message.textContent = error.message;
  }
}

async function figures() {
  const state = document.getElementById('state');
  try {
    const ready = await (await fetch('/readyz')).json();
    state.textContent = ready.status + (ready.reasons.length ? ': ' + ready.reasons.join(', ') : '');
    const metrics = await call('/api/v1/oci/metrics');
    const list = [
      ['Pulls', metrics.pulls + metrics.registry_pulls],
      ['Cache hits', Math.round(metrics.cache_hit_rate * 100) + ' %'],
      ['Average download', Math.round(metrics.average_download_ms) + ' ms'],
      ['Downloaded', bytes(metrics.bytes_downloaded)],
    ];
    document.getElementById('figures').replaceChildren(...list.map(([name, value]) => {
      const item = document.createElement('li');
      item.append(name);
      item.appendChild(document.createElement('strong')).textContent = value;
      return item;
    }));
  } catch {
    // Figures need a token of their own where rules are configured; the rest of the page does not.
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('token', form.elements.token.value.trim());
  void show(false);
  void figures();
});
more.addEventListener('click', () => void show(true));
void show(false);
void figures();
`;
