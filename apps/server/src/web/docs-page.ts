/** The page at `/docs`: the API, made from its own document. */
export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>oci-server API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/docs.js"></script>
</head>
<body>
<header>
  <h1>oci-server API</h1>
  <nav><a href="/">Artifacts</a><a href="/openapi.json">openapi.json</a></nav>
</header>
<main>
  <form id="login"><label>Token <input name="token" type="password" autocomplete="off" placeholder="where it is needed"></label></form>
  <div id="operations"></div>
</main>
</body>
</html>
`;

export const docsScript = `
const token = document.getElementById('login').elements.token;
token.value = sessionStorage.getItem('token') ?? '';
document.getElementById('login').addEventListener('submit', (event) => event.preventDefault());

function make(tag, text, parent) {
  const element = document.createElement(tag);
  element.textContent = text;
  return parent.appendChild(element);
}

function describe(schema, description) {
  const kinds = [schema.type, schema.enum && schema.enum.join(' | '), schema.pattern && 'matches ' + schema.pattern];
  return kinds.concat(description).filter(Boolean).join('; ');
}

function example(schema) {
  const one = schema.oneOf ? schema.oneOf[0] : schema;
  const fields = Object.entries(one.properties ?? {});
  return JSON.stringify(Object.fromEntries(fields.map(([name, field]) => [name, field.const ?? field.enum?.[0] ?? ''])), null, 2);
}

function operation(path, method, spec, parent) {
  const details = document.createElement('details');
  const summary = make('summary', '', details);
  make('span', method.toUpperCase(), summary).className = 'method';
  make('code', path, summary);
  make('span', ' ' + spec.summary, summary);
  const form = make('form', '', details);
  const body = spec.requestBody?.content['application/json'].schema;
  for (const { name, required, schema, description } of spec.parameters ?? []) {
    const label = make('label', name + (required ? ' *' : ''), form);
    const input = label.appendChild(document.createElement('input'));
    input.name = name;
    input.required = required;
    input.title = describe(schema, description);
  }
  if (body) {
    const area = make('textarea', example(body), make('label', 'Body', form));
    area.name = 'body';
    area.rows = 6;
    area.cols = 60;
  }
  make('button', 'Send', form);
  const answers = Object.entries(spec.responses).map(([status, { description }]) => status + ' ' + description);
  const known = make('details', '', details);
  make('summary', 'Answers', known);
  make('pre', answers.join('\\n') + '\\n\\n' + JSON.stringify(body ?? {}, null, 2), known);
  const result = make('pre', '', details);
  result.hidden = true;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send(path, method, form, result);
  });
  parent.append(details);
}

async function send(path, method, form, result) {
  sessionStorage.setItem('token', token.value.trim());
  const fields = new FormData(form);
  const query = new URLSearchParams();
  let target = path;
  for (const [name, value] of fields) {
    if (name === 'body' || value === '') continue;
    if (target.includes('{' + name + '}')) target = target.replace('{' + name + '}', encodeURIComponent(value));
    else query.set(name, value);
  }
  const headers = token.value.trim() ? { authorization: 'Bearer ' + token.value.trim() } : {};
  const options = { method: method.toUpperCase(), headers };
  if (fields.has('body')) {
    options.body = fields.get('body');
    headers['content-type'] = 'application/json';
  }
  result.hidden = false;
  result.textContent = '…';
  const answer = await fetch(target + (query.size ? '?' + query : ''), options);
  const text = await answer.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { shown = text; }
  result.textContent = answer.status + ' ' + answer.statusText + '\\n\\n' + shown;
}

const api = await (await fetch('/openapi.json')).json();
const operations = document.getElementById('operations');
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, spec] of Object.entries(methods)) operation(path, method, spec, operations);
}
`;
