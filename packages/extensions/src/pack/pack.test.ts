import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { createRegistry } from '@oci/client';
import { mediaTypes, parseRepositoryName } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  kclSum,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { parseProfiles } from '../validate/profile.js';
import { packExtension } from './extension.js';
import { packKclPackage } from './kcl-package.js';
import { type PackedArtifact, pushArtifact } from './packed-artifact.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(async () => {
  await work.remove();
});

const mod = '[package]\nname = "demo"\nversion = "1.2.3"\ndescription = "a demo"\n';

async function source(files: Readonly<Record<string, string>>, name = 'source'): Promise<string> {
  const directory = join(work.path, name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(directory, dirname(path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

function layerOf(packed: PackedArtifact): Uint8Array {
  return packed.blobs[1]?.bytes ?? new Uint8Array();
}

async function namesOf(packed: PackedArtifact): Promise<string[]> {
  const path = join(work.path, 'layer.tgz');
  await writeFile(path, layerOf(packed));
  return (await run('tar', ['-tzf', path])).stdout.trim().split('\n');
}

test('a KCL package has the shape that kpm publishes', async () => {
  const files = { 'kcl.mod': mod, 'main.k': 'a = 1\n', 'models/server.k': 'b = 2\n' };
  const created = new Date(1_700_000_000_000);
  const packed = await packKclPackage(await source(files), { created });
  expect(packed.tag).toBe('1.2.3');
  expect(packed.repository('ignored')).toBe('kcl/demo');
  expect(packed.manifest).toMatchObject({ kind: 'image', mediaType: mediaTypes.imageManifest });
  expect(packed.manifest.document).toEqual({
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    config: {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: digestOf(Buffer.from('{}')),
      size: 2,
      data: 'e30=',
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest: digestOf(layerOf(packed)),
        size: layerOf(packed).byteLength,
        annotations: { 'org.opencontainers.image.title': 'demo_1.2.3.tgz' },
      },
    ],
    annotations: {
      'org.kcllang.package.name': 'demo',
      'org.kcllang.package.version': '1.2.3',
      'org.kcllang.package.description': 'a demo',
      'org.kcllang.package.sum': kclSum(files),
      'org.opencontainers.image.created': '2023-11-14T22:13:20Z',
    },
  });
  expect(await namesOf(packed)).toEqual(['kcl.mod', 'main.k', 'models/', 'models/server.k']);
});

test('the same files make the same bytes, whatever their times, modes and order', async () => {
  const files = { 'kcl.mod': mod, 'b.k': 'b', 'a.k': 'a', 'd/c.k': 'c' };
  const one = await source(files, 'one');
  const two = await source(Object.fromEntries(Object.entries(files).reverse()), 'two');
  const past = new Date(1_000_000_000_000);
  await utimes(join(two, 'a.k'), past, past);
  await chmod(join(two, 'b.k'), 0o600);
  const created = past;
  const [first, second] = await Promise.all([
    packKclPackage(one, { created }),
    packKclPackage(two, { created: new Date() }),
  ]);
  expect(layerOf(first)).toEqual(layerOf(second));
  const again = await packKclPackage(two, { created });
  expect(again.manifest.descriptor).toEqual(first.manifest.descriptor);
  expect([...layerOf(first).subarray(4, 10)]).toEqual([0, 0, 0, 0, 0, 255]);
  const header = gunzipSync(layerOf(first)).toString('latin1', 0, 512);
  const [mode, uid, gid, mtime] = [100, 108, 116, 136].map((at) =>
    Number.parseInt(header.slice(at, at + 8), 8),
  );
  expect([mode, uid, gid, mtime]).toEqual([0o644, 0, 0, 0]);
});

test('packs to these bytes on every machine, and with every release of Node', async () => {
  const packed = await packKclPackage(
    await source({ 'kcl.mod': mod, 'main.k': 'a = 1\n'.repeat(500), 'd/b.k': 'b = 2\n' }),
    { created: new Date(0) },
  );
  expect(packed.manifest.descriptor.digest).toBe(
    'sha256:ba5e0fa3c7a13ec6642fbaa919d43e1bf385bc2229d2981e7ddf5134461a2f12',
  );
});

test('warns of what will not be found after a pull, and refuses what can not be read', async () => {
  const dependencies = '[dependencies]\nlib = { path = "../lib" }\n';
  const packed = await packKclPackage(await source({ 'kcl.mod': mod + dependencies }));
  expect(packed.findings).toEqual([
    {
      severity: 'warning',
      path: 'kcl.mod',
      message: 'lib is at ../lib, outside of the package: it will not be found',
    },
  ]);
  const broken = await source({ 'kcl.mod': mod, 'kcl.mod.lock': '= =' }, 'broken');
  await expect(packKclPackage(broken)).rejects.toMatchObject({
    code: 'EXTENSION_INVALID',
    message: expect.stringContaining('kcl.mod.lock'),
  });
});

test('an executable file stays one', async () => {
  const directory = await source({ 'kcl.mod': mod, 'run.sh': '#!/bin/sh\n' });
  await chmod(join(directory, 'run.sh'), 0o755);
  const path = join(work.path, 'layer.tgz');
  await writeFile(path, layerOf(await packKclPackage(directory)));
  const listed = (await run('tar', ['-tvzf', path])).stdout;
  expect(listed).toMatch(/-rwxr-xr-x .* run\.sh/);
  expect(listed).toMatch(/-rw-r--r-- .* kcl\.mod/);
});

test('include and exclude choose files by the rules of kpm, kcl.mod always', async () => {
  const files = {
    'kcl.mod': `${mod}include = ["*.k", "d/*"]\nexclude = ["secret.k"]\n`,
    'a.k': '',
    'secret.k': '',
    'notes.md': '',
    'd/b.k': '',
    'd/e/c.k': '',
    'old.tar.gz': '',
    '.gitignore': '',
    '.git/config': '',
  };
  const names = await namesOf(await packKclPackage(await source(files)));
  expect(names.filter((name) => !name.endsWith('/'))).toEqual(['a.k', 'd/b.k', 'kcl.mod']);
});

test('a long name is kept', async () => {
  const long = `${'d'.repeat(120)}/${'ä'.repeat(100)}.k`;
  const packed = await packKclPackage(await source({ 'kcl.mod': mod, [long]: 'x' }));
  expect(gunzipSync(layerOf(packed)).toString('utf8')).toContain(`path=${long}\n`);
});

test.each<[string, () => Promise<unknown>, string]>([
  ['no directory', () => packKclPackage(join(work.path, 'none')), 'USAGE'],
  ['no kcl.mod', async () => packKclPackage(await source({ 'a.k': '' })), 'EXTENSION_INVALID'],
  [
    'no name',
    async () => packExtension({ type: 'provider', directory: await source({ 'README.md': '' }) }),
    'EXTENSION_INVALID',
  ],
  [
    'a broken extension.toml',
    async () =>
      packExtension({ type: 'provider', directory: await source({ 'extension.toml': '[' }) }),
    'EXTENSION_INVALID',
  ],
])('%s is told with a code', async (_, pack, code) => {
  await expect(pack()).rejects.toMatchObject({ code });
});

test('a link is not published', async () => {
  const directory = await source({ 'kcl.mod': mod });
  await symlink('/etc/passwd', join(directory, 'passwd'));
  await expect(packKclPackage(directory)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('passwd'),
  });
});

const examples = fileURLToPath(new URL('../../../../examples/packages/', import.meta.url));

test.each([
  ['taskserv', 'kubernetes', '1.28.0'],
  ['provider', 'aws', '2.0.0'],
  ['cluster', 'web', '1.0.0'],
] as const)('the sample %s is packed by what it says of itself', async (type, name, version) => {
  const packed = await packExtension({ type, directory: join(examples, type, name) });
  expect(packed.tag).toBe(version);
  expect(packed.repository('extensions')).toBe(`extensions/${type}/${name}`);
  expect(packed.manifest.document).toMatchObject({
    artifactType: `application/vnd.provisioning.extension.${type}.v1`,
    annotations: {
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
    },
  });
});

test('what says that it is of another type is not published as this one', async () => {
  const declared = '[extension]\nname = "aws"\nversion = "2.0.0"\ntype = "provider"\n';
  const directory = await source({ 'extension.toml': declared });
  await expect(packExtension({ type: 'taskserv', directory })).rejects.toMatchObject({
    code: 'EXTENSION_INVALID',
    message: `${directory} can not be packed: extension.toml: says type provider, expected taskserv`,
  });
  expect((await packExtension({ type: 'provider', directory })).tag).toBe('2.0.0');
});

test('a name and version of the caller come first', async () => {
  const directory = join(examples, 'provider', 'aws');
  const packed = await packExtension({
    type: 'provider',
    directory,
    name: 'mine',
    version: '3.0.0+x',
  });
  expect([packed.tag, packed.repository('e')]).toEqual(['3.0.0_x', 'e/provider/mine']);
});

test('a version is published once, and replaced only by force', async () => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url });
  const repository = client.repository(parseRepositoryName('kcl/demo'));
  const first = await packKclPackage(await source({ 'kcl.mod': mod }, 'first'));
  const second = await packKclPackage(await source({ 'kcl.mod': mod, 'a.k': '' }, 'second'));
  const { digest } = first.manifest.descriptor;
  expect(await pushArtifact(repository, first)).toMatchObject({
    changed: true,
    replaced: undefined,
  });
  expect(await pushArtifact(repository, first)).toMatchObject({ changed: false });
  await expect(pushArtifact(repository, second)).rejects.toMatchObject({
    code: 'TAG_EXISTS',
    reason: { kind: 'tag-taken' },
  });
  expect((await repository.resolve(first.tag)).digest).toBe(first.manifest.descriptor.digest);
  expect(await pushArtifact(repository, second, { force: true })).toMatchObject({
    changed: true,
    replaced: digest,
  });
  expect((await repository.resolve(first.tag)).digest).toBe(second.manifest.descriptor.digest);
  await client.close();
});

test.each(['packed with a date', 'published without one'])(
  'the same content is the version that is published, %s',
  async (how) => {
    await using registry = await startRegistry();
    const client = createRegistry({ url: registry.url });
    const repository = client.repository(parseRepositoryName('kcl/demo'));
    const directory = await source({ 'kcl.mod': mod });
    const early = await packKclPackage(directory, { created: new Date(1_000) });
    const { 'org.opencontainers.image.created': date, ...texts } =
      early.manifest.document.annotations ?? {};
    expect(date).toBe('1970-01-01T00:00:01Z');
    const document = { ...early.manifest.document, annotations: texts };
    const old = describeManifest(Buffer.from(JSON.stringify(document)));
    const published = how.startsWith('packed') ? early : { ...early, manifest: old };
    await pushArtifact(repository, published);
    const late = await packKclPackage(directory);
    const pushed = await pushArtifact(repository, late);
    expect(pushed).toMatchObject({ changed: false, replaced: undefined });
    expect(pushed.manifest.descriptor).toEqual(published.manifest.descriptor);
    expect(await repository.resolve(late.tag)).toMatchObject(published.manifest.descriptor);
    await client.close();
  },
);

test('an extension of a profile of one\u2019s own is packed by what its profile says', async () => {
  await using own = await temporaryDirectory();
  await mkdir(join(own.path, 'ours'));
  await writeFile(join(own.path, 'ours', 'about.toml'), 'name = "tool"\nversion = "1.4.0"\n');
  const profiles = parseProfiles(
    `[[profile]]
name = "ours"
recognised_by = ["ours/about.toml"]
declaration = { file = "ours/about.toml", format = "toml" }
required = ["run.sh"]
`,
    'profiles.toml',
  );
  const source = { type: 'taskserv', directory: own.path, profiles } as const;
  await expect(packExtension({ ...source, profiles: [] })).rejects.toMatchObject({
    code: 'EXTENSION_INVALID',
  });
  await expect(packExtension(source)).rejects.toMatchObject({
    code: 'EXTENSION_INVALID',
    message: expect.stringContaining('run.sh'),
  });
  await writeFile(join(own.path, 'run.sh'), '');
  const packed = await packExtension(source);
  expect([packed.tag, packed.repository('e')]).toEqual(['1.4.0', 'e/taskserv/tool']);
});
