// Writes what each package exports, entry by entry, to packages/<name>/api; with --check it fails when a report is stale.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { isolatedDeclarationSync, parseSync } from 'rolldown/experimental';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCheck = process.argv.includes('--check');

/** @type {Map<string, ReturnType<typeof readDeclarations>>} */
const known = new Map();

/** The declarations of a source file: its text, what it declares by name, and what it takes from elsewhere. */
function readDeclarations(path) {
  const { code } = isolatedDeclarationSync(path, readFileSync(path, 'utf8'), {
    stripInternal: true,
  });
  const { program, comments } = parseSync(path.replace(/\.ts$/, '.d.ts'), code);
  const declared = new Map();
  const imported = new Map();
  const reexported = new Map();
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') {
      for (const { local, imported: name } of statement.specifiers)
        imported.set(local.name, { name: name?.name ?? '*', from: statement.source.value });
    } else if (statement.type === 'ExportNamedDeclaration' && !statement.declaration) {
      for (const { local, exported } of statement.specifiers)
        reexported.set(exported.name, { name: local.name, from: statement.source?.value });
    } else {
      const declaration = statement.declaration ?? statement;
      for (const name of namesOf(declaration))
        declared.set(name, [...(declared.get(name) ?? []), statement]);
    }
  }
  return { code, comments, declared, imported, reexported };
}

function namesOf(declaration) {
  if (declaration.declarations) return declaration.declarations.map(({ id }) => id.name);
  return declaration.id ? [declaration.id.name] : [];
}

function declarationsOf(path) {
  const found = known.get(path) ?? readDeclarations(path);
  known.set(path, found);
  return found;
}

function sourceOf(from, path) {
  return resolve(dirname(path), from.replace(/\.js$/, '.ts'));
}

/** What a name of a file is: the text of its declaration, or the package that it comes from. */
function describe(name, path) {
  const file = declarationsOf(path);
  const passed = file.reexported.get(name);
  const source = passed?.from === undefined ? file.imported.get(passed?.name ?? name) : passed;
  if (source?.from?.startsWith('.')) return describe(source.name, sourceOf(source.from, path));
  if (source) return { text: `export { ${name} } from '${source.from}';`, mentions: [] };
  const statements = file.declared.get(passed?.name ?? name);
  if (!statements) throw new Error(`${relative(root, path)} declares no ${name}`);
  const text = statements.map((statement) => textOf(statement, file)).join('\n');
  const others = [...file.imported]
    .filter(([, { from }]) => from.startsWith('.'))
    .map(([local]) => local);
  const mentions = [...others, ...file.declared.keys()].filter(
    (other) => other !== name && /^[A-Z]/.test(other) && new RegExp(`\\b${other}\\b`).test(text),
  );
  return { text, mentions };
}

/** The text of a statement without comments and private members. */
function textOf({ start, end }, { code, comments }) {
  let text = '';
  let at = start;
  for (const comment of comments.filter((one) => one.start >= start && one.end <= end)) {
    text += code.slice(at, comment.start);
    at = comment.end;
  }
  text += code.slice(at, end);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && line.trim() !== '#private;')
    .filter((line) => !/^\s*private\b/.test(line))
    .map((line) => line.replaceAll('\t', '  '))
    .join('\n')
    .replace(/^export declare /, 'export ')
    .replace(/^declare /, '');
}

/** @param {string} a @param {string} b */
function byName(a, b) {
  return a < b ? -1 : Number(a > b);
}

/** The reports of a package: one for each entry, by its path. */
function reportsOf(directory) {
  const { name, exports = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const entries = Object.entries(exports)
    .filter(([, target]) => target['@oci/source']?.endsWith('.ts'))
    .map(([key, target]) => ({ key, path: join(directory, target['@oci/source']) }));
  const surfaces = entries.map(({ key, path }) => {
    const { reexported, declared } = declarationsOf(path);
    const own = [...declared].filter(([, [one]]) => one.type === 'ExportNamedDeclaration');
    const names = [...new Set([...reexported.keys(), ...own.map(([each]) => each)])].sort(byName);
    return { key, names, described: names.map((each) => describe(each, path)) };
  });
  const all = new Set(surfaces.flatMap(({ names }) => names));
  return surfaces.map(({ key, names, described }) => {
    const entry = key.replace(/^\.\/?/, '');
    const missing = [...new Set(described.flatMap(({ mentions }) => mentions))].filter(
      (each) => !all.has(each),
    );
    const path = join(directory, 'api', `${entry.replaceAll('/', '-') || 'index'}.api.md`);
    const title = `# ${[name, ...(entry ? [entry] : [])].join('/')}: ${names.length} names`;
    const code = described.map(({ text }) => text).join('\n\n');
    const forgotten =
      missing.length > 0
        ? [`Named here, exported nowhere: ${missing.sort(byName).join(', ')}.`]
        : [];
    const note =
      'Written by `pnpm api`; review what changes here as a change of the public surface.';
    return {
      path,
      text:
        [title, note, `\`\`\`ts\n${code}\n\`\`\``, ...forgotten, ''].join('\n\n').trimEnd() + '\n',
    };
  });
}

const directories = ['packages', 'apps']
  .flatMap((group) => readdirSync(join(root, group)).map((each) => join(root, group, each)))
  .filter((each) => existsSync(join(each, 'package.json')))
  .filter((each) => !JSON.parse(readFileSync(join(each, 'package.json'), 'utf8')).private);
const stale = [];
for (const directory of directories) {
  const reports = reportsOf(directory);
  const written = existsSync(join(directory, 'api')) ? readdirSync(join(directory, 'api')) : [];
  const extra = written
    .map((each) => join(directory, 'api', each))
    .filter((each) => !reports.some(({ path }) => path === each));
  const changed = reports.filter(
    ({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text,
  );
  stale.push(...extra, ...changed.map(({ path }) => path));
  if (isCheck) continue;
  for (const path of extra) rmSync(path);
  if (reports.length > 0) mkdirSync(join(directory, 'api'), { recursive: true });
  for (const { path, text } of changed) writeFileSync(path, text);
}
const names = stale.map((path) => relative(root, path)).join('\n  ');
if (stale.length > 0) console.log(`${isCheck ? 'stale' : 'written'}:\n  ${names}`);
if (isCheck && stale.length > 0) {
  console.log('The public surface changed. Run `pnpm api`, and review the difference.');
  process.exitCode = 1;
}
