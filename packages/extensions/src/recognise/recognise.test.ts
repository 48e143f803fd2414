import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type ImageManifest, mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type BlobBytes,
  type Files,
  type KclEra,
  blobBytes,
  bytesOf,
  contentOf,
  emptyConfigBytes,
  guideArtifact,
  gzip,
  helmChart,
  kclPackage,
  sampleExtensionFiles,
  tarOfFiles,
  temporaryDirectory,
} from '@oci/testing';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';

import { extensionArtifactType } from '../pack/extension.js';
import { contentKind } from './content-kind.js';
import { recogniseArtifact } from './recognise.js';
import { unpackArtifact } from './unpack-artifact.js';

const title = 'org.opencontainers.image.title';

interface Parts {
  readonly artifactType?: string;
  readonly config?: string;
  readonly layers: readonly BlobBytes[];
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Sample {
  readonly manifest: ImageManifest;
  readonly bytes: (digest: string) => Uint8Array;
}

function sample({ artifactType, config, layers, annotations }: Parts): Sample {
  const configBlob = config === undefined ? emptyConfigBytes() : blobBytes(config, '{}');
  const manifest = {
    schemaVersion: 2 as const,
    ...(artifactType !== undefined && { artifactType }),
    config: configBlob.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(annotations && { annotations }),
  };
  const bytes = (digest: string) =>
    layers.find(({ descriptor }) => descriptor.digest === digest)?.bytes ?? new Uint8Array();
  return { manifest, bytes };
}

function built(artifact: ArtifactBytes): Sample {
  const { manifest } = artifact;
  if (manifest.kind !== 'image') throw new Error('an index is not recognised');
  return {
    manifest: manifest.document,
    bytes: (digest) => contentOf(artifact, { digest: digest as BlobBytes['descriptor']['digest'] }),
  };
}

const archive = gzip(tarOfFiles({ 'a.txt': 'a' }));
const layer = (type: string, bytes: Uint8Array = archive, annotations = {}): BlobBytes =>
  blobBytes(type, bytes, { annotations });
const titled = (type: string, name: string, content: string): BlobBytes =>
  layer(type, bytesOf(content), { [title]: name });

/** The files that an artifact unpacks to. */
async function unpack({ manifest, bytes }: Sample, selector?: string): Promise<Files> {
  await using work = await temporaryDirectory();
  const recognised = recogniseArtifact(manifest, selector);
  for (const { descriptor } of recognised.content)
    await writeFile(join(work.path, descriptor.digest.slice(7)), bytes(descriptor.digest));
  const pathOf = ({ digest }: { digest: string }): string => join(work.path, digest.slice(7));
  const tree = await unpackArtifact(recognised, pathOf, join(work.path, 'tree'));
  const files: Record<string, string> = {};
  for (const entry of await readdir(tree.root, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      files[path.slice(tree.root.length + 1)] = await readFile(path, 'utf8');
    }
  return files;
}

test.each<KclEra>(['v0.2', 'v0.3', 'v0.12'])('a KCL package of the era %s of kpm', async (era) => {
  const artifact = built(kclPackage({ name: 'demo', version: '1.0.0', era }));
  expect(recogniseArtifact(artifact.manifest)).toMatchObject({
    kind: 'kcl',
    family: 'kcl',
    by: era === 'v0.2' ? 'config' : 'artifactType',
    name: era === 'v0.2' ? undefined : 'demo',
    content: [{ form: 'archive', path: '' }],
  });
  expect(Object.keys(await unpack(artifact))).toContain('kcl.mod');
});

test('a KCL package by its annotations alone', () => {
  const { manifest } = sample({
    layers: [layer('application/octet-stream')],
    annotations: { 'org.kcllang.package.name': 'demo' },
  });
  expect(recogniseArtifact(manifest)).toMatchObject({
    kind: 'kcl',
    by: 'annotation',
    name: 'demo',
  });
});

test.each(['provider', 'taskserv', 'cluster'] as const)('our own %s', (type) => {
  const { manifest } = sample({
    artifactType: extensionArtifactType(type),
    layers: [layer(mediaTypes.layerTarGzip)],
    annotations: { [title]: 'name', 'org.opencontainers.image.version': '1.0.0' },
  });
  expect(recogniseArtifact(manifest)).toMatchObject({
    kind: type,
    family: 'extension',
    name: 'name',
    version: '1.0.0',
  });
});

test.each<[string, Files, string]>([
  ['a KCL package', { 'kcl.mod': '[package]\n' }, 'kcl'],
  ['a taskserv', sampleExtensionFiles('taskserv', 'k', '1.0.0'), 'taskserv'],
  ['an extension that does not say its type', { 'extension.toml': '', 'kcl.mod': '' }, 'artifact'],
  ['anything else', { 'README.md': '' }, 'artifact'],
])("the guide's sample with %s is told by its content", async (_, files, kind) => {
  const artifact = built(guideArtifact({ version: '1.0.0', files }));
  expect(recogniseArtifact(artifact.manifest)).toMatchObject({
    kind: 'artifact',
    family: 'unknown',
    by: 'nothing',
  });
  expect(await unpack(artifact)).toEqual(files);
  await using work = await temporaryDirectory();
  const path = join(work.path, 'archive');
  await writeFile(path, gzip(tarOfFiles(files)));
  expect(await contentKind(path)).toBe(kind);
});

test('a Helm chart, whose first layer is its provenance', async () => {
  const artifact = built(helmChart({ name: 'web', version: '1.0.0' }));
  expect(recogniseArtifact(artifact.manifest)).toMatchObject({
    kind: 'artifact',
    family: 'helm-chart',
    name: 'web',
  });
  expect(Object.keys(await unpack(artifact))).toContain('web/Chart.yaml');
});

const timoni = 'application/vnd.timoni.content.v1.tar+gzip';
const cue = zipSync({ 'module.cue': bytesOf('m') });

test.each<[string, Parts, Files]>([
  [
    'flux',
    {
      config: 'application/vnd.cncf.flux.config.v1+json',
      layers: [layer('application/vnd.cncf.flux.content.v1.tar+gzip')],
    },
    { 'a.txt': 'a' },
  ],
  [
    'timoni-module',
    {
      config: 'application/vnd.timoni.config.v1+json',
      layers: [
        layer(timoni, gzip(tarOfFiles({ 'a.cue': 'old', 'b.cue': 'b' }))),
        layer(timoni, gzip(tarOfFiles({ 'a.cue': 'new', 'cue.mod/c.cue': 'c' }))),
      ],
    },
    { 'a.cue': 'new', 'b.cue': 'b', 'cue.mod/c.cue': 'c' },
  ],
  [
    'dev-container-feature',
    {
      config: 'application/vnd.devcontainers',
      // The type says tar, and it is a gzip tar.
      layers: [layer('application/vnd.devcontainers.layer.v1+tar', archive, { [title]: 'f.tgz' })],
    },
    { 'a.txt': 'a' },
  ],
  [
    'dev-container-collection',
    {
      config: 'application/vnd.devcontainers',
      layers: [titled('application/vnd.devcontainers.collection.layer.v1+json', 'c.json', '{}')],
    },
    { 'c.json': '{}' },
  ],
  [
    'opentofu-module',
    {
      artifactType: 'application/vnd.opentofu.modulepkg',
      layers: [layer('archive/zip', zipSync({ 'main.tf': bytesOf('t') }))],
    },
    { 'main.tf': 't' },
  ],
  [
    'cue-module',
    {
      config: 'application/vnd.cue.module.v1+json',
      layers: [
        layer('application/zip', cue),
        layer('application/vnd.cue.modulefile.v1', cue.slice(0, 3)),
      ],
    },
    { 'module.cue': 'm' },
  ],
  [
    'wasm',
    {
      config: 'application/vnd.wasm.config.v0+json',
      layers: [layer('application/wasm', bytesOf('\0asm'))],
    },
    { 'module.wasm': '\0asm' },
  ],
  [
    'files',
    {
      artifactType: 'application/vnd.example.report',
      layers: [
        titled('text/plain', 'report.txt', 'r'),
        titled('text/plain', 'more/notes.txt', 'n'),
      ],
    },
    { 'report.txt': 'r', 'more/notes.txt': 'n' },
  ],
  [
    'unknown',
    { artifactType: 'application/vnd.example.blob', layers: [layer('application/x', archive)] },
    { 'a.txt': 'a' },
  ],
])('%s', async (family, parts, files) => {
  const artifact = sample(parts);
  expect(recogniseArtifact(artifact.manifest)).toMatchObject({ kind: 'artifact', family });
  expect(await unpack(artifact)).toEqual(files);
});

test('a blob of an unknown kind that is no archive is a file of its digest', async () => {
  const content = bytesOf('just bytes');
  const artifact = sample({ layers: [layer('application/x', content)] });
  expect(await unpack(artifact)).toEqual({ [digestOf(content).slice(7)]: 'just bytes' });
});

test('a directory of ORAS is unpacked to its name, when it is what was noted', async () => {
  const tar = tarOfFiles({ 'a.txt': 'a' });
  const annotations = (digest: string) => ({
    [title]: 'docs/site',
    'io.deis.oras.content.unpack': 'true',
    'io.deis.oras.content.digest': digest,
  });
  const directory = (digest: string): Sample =>
    sample({
      layers: [
        layer(mediaTypes.layerTarGzip, gzip(tar), annotations(digest)),
        titled('text/plain', 'b.txt', 'b'),
      ],
    });
  expect(await unpack(directory(digestOf(tar)))).toEqual({ 'docs/site/a.txt': 'a', 'b.txt': 'b' });
  await expect(unpack(directory(digestOf(bytesOf('other'))))).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
});

test.each(['../escaped', '/escaped', 'a\\..\\b', ''])(
  'a title of %j is no path (GHSA-m37j-52j7-pjw7)',
  async (name) => {
    const two = [titled('text/plain', name, 'x'), titled('text/plain', 'b', 'y')];
    await expect(unpack(sample({ layers: two }))).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
  },
);

test('which of several archives is meant has to be said', async () => {
  const other = gzip(tarOfFiles({ 'b.txt': 'b' }));
  const artifact = sample({
    config: mediaTypes.imageConfig,
    layers: [layer(mediaTypes.layerTarGzip), layer(mediaTypes.layerTarGzip, other)],
  });
  expect(() => recogniseArtifact(artifact.manifest)).toThrow(
    expect.objectContaining({ code: 'LAYER_AMBIGUOUS', hint: expect.stringContaining('sha256:') }),
  );
  expect(await unpack(artifact, digestOf(other))).toEqual({ 'b.txt': 'b' });
});

test('an artifact without layers has no content', () => {
  const empty = sample({ layers: [emptyConfigBytes()] });
  expect(() => recogniseArtifact(empty.manifest)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED' }),
  );
});
