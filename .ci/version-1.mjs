// Makes apps/server/test/version-1.json: the files of a data directory that a server of storage format 1 wrote, and
// what it served. Run as: node .ci/version-1.mjs MAIN, the dist/main.js of a server that writes format 1
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const [main = ''] = process.argv.slice(2);
const directory = await mkdtemp(join(tmpdir(), 'version-1-'));
const server = spawn(
  process.execPath,
  [main, 'serve', '--listen', '127.0.0.1:0', '--data-dir', directory],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const url = await new Promise((found) => {
  let said = '';
  server.stdout.on('data', (chunk) => {
    said += chunk;
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    if (address) found(address);
  });
});

const hash = (bytes, algorithm = 'sha256') =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;

async function send(method, path, body, type) {
  const headers = type ? { 'content-type': type } : {};
  const answer = await fetch(`${url}/v2/${path}`, { method, body, headers });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function pushBlob(name, text, algorithm) {
  const digest = hash(text, algorithm);
  await send('POST', `${name}/blobs/uploads/?digest=${digest}`, text);
  return { mediaType: 'application/octet-stream', digest, size: Buffer.byteLength(text) };
}

const type = 'application/vnd.oci.image.manifest.v1+json';
async function pushManifest(name, tag, extra = {}) {
  const config = await pushBlob(name, '{}');
  const layers = [await pushBlob(name, `layer of ${name}`)];
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers, ...extra });
  await send('PUT', `${name}/manifests/${tag ?? hash(body)}`, body, type);
  return { mediaType: type, digest: hash(body), size: Buffer.byteLength(body) };
}

const long = `${'a'.repeat(120)}/${'b'.repeat(120)}`;
const subject = await pushManifest('team/tool', '1.0.0');
for (const tag of ['Latest', 'A'.repeat(128), 'v1.0_x-y']) await pushManifest('team/tool', tag);
await pushManifest('team/tool', undefined, { subject, artifactType: 'x/signature' });
await pushManifest('team', 'one');
await pushManifest(long, '1');
await pushBlob('team/tool', 'hashed twice', 'sha512');
await pushBlob('alone', 'a blob without a manifest');
await send('POST', 'team/tool/blobs/uploads/');

const paths = [];
for (const name of ['team/tool', 'team', long]) {
  const { tags } = await (await send('GET', `${name}/tags/list`)).json();
  paths.push(`${name}/tags/list`, ...tags.map((tag) => `${name}/manifests/${tag}`));
}
paths.push(`team/tool/referrers/${subject.digest}`);
paths.push(`team/tool/blobs/${hash('hashed twice', 'sha512')}`);
paths.push(`team/tool/blobs/${hash('layer of team/tool')}`);
paths.push(`alone/blobs/${hash('a blob without a manifest')}`, `team/blobs/${hash('{}')}`);
const served = {};
for (const path of paths) served[path] = await (await send('GET', path)).text();

server.kill();
await once(server, 'exit');
const root = join(directory, 'registry');
const files = {};
for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const key = relative(root, path);
  if (entry.isFile() && key.startsWith('v1')) files[key] = await readFile(path, 'utf8');
}
await rm(directory, { recursive: true });
const target = new URL('../apps/server/test/version-1.json', import.meta.url);
await writeFile(target, `${JSON.stringify({ files, served }, null, 2)}\n`);
