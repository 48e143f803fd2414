import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestEncoded } from '@oci/spec-types';
import {
  type ArtifactBytes,
  type DockerRegistry,
  type TemporaryDirectory,
  image,
  kclPackage,
  peer,
  run,
  startDockerRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

const layerTar = 'application/vnd.oci.image.layer.v1.tar';

describePeer(['docker-registry', 'oras', 'skopeo'], 'ocictl at a docker-registry', () => {
  let registry: DockerRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;
  let count = 0;

  beforeAll(async () => {
    registry = await startDockerRegistry();
    work = await temporaryDirectory('ocictl-e2e-');
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });
  beforeEach(() => {
    count += 1;
    command = ocictl(join(work.path, `home-${count}`), registry.url);
  });

  /** Writes the layer of a package to a file, as a publisher has it, and pushes it with oras. */
  async function orasPush(
    artifact: ArtifactBytes,
    name: string,
    options: readonly string[],
  ): Promise<void> {
    const layer = artifact.blobs[1];
    const title = layer?.descriptor.annotations?.['org.opencontainers.image.title'] ?? '';
    const directory = join(work.path, `oras-${name}`);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, title), layer?.bytes ?? '');
    await writeFile(join(directory, 'config.json'), '{}');
    const file = `${title}:${layer?.descriptor.mediaType}`;
    const target = `${registry.host}/kcl/${name}:1.0.0`;
    const pushed = await run(
      peer('oras') ?? '',
      ['push', '--plain-http', ...options, target, file],
      { cwd: directory },
    );
    expect(pushed.stderr).toBe('');
    expect(pushed.exitCode).toBe(0);
  }

  async function skopeoPush(artifact: ArtifactBytes, target: string): Promise<void> {
    const layout = join(work.path, `layout-${target.replaceAll(/[/:]/g, '-')}`);
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    const { descriptor, bytes } = artifact.manifest;
    await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(
      join(layout, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }),
    );
    for (const blob of [...artifact.blobs, { descriptor, bytes }]) {
      await writeFile(
        join(layout, 'blobs/sha256', digestEncoded(blob.descriptor.digest)),
        blob.bytes,
      );
    }
    const args = [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      `oci:${layout}`,
      `docker://${registry.host}/${target}`,
    ];
    expect(await run(peer('skopeo') ?? '', args)).toMatchObject({ exitCode: 0 });
  }

  async function filesOf(archive: string): Promise<readonly string[]> {
    const listed = await run('tar', ['-tzf', archive]);
    expect(listed.exitCode).toBe(0);
    return listed.stdout
      .trim()
      .split('\n')
      .filter((path) => !path.endsWith('/'))
      .sort();
  }

  const eras = [
    { era: 'v0.2', options: ['--image-spec', 'v1.0', '--config', `config.json:${layerTar}`] },
    { era: 'v0.3', options: ['--artifact-type', layerTar] },
    { era: 'v0.12', options: ['--artifact-type', `${layerTar}+gzip`] },
  ] as const;

  it.each(eras)(
    'pulls a package of kpm $era to a file that tar opens',
    async ({ era, options }) => {
      const name = `package-${era.replaceAll('.', '-')}`;
      const artifact = kclPackage({ name, version: '1.0.0', era });
      await orasPush(artifact, name, options);

      const pulled = await command('kcl', 'pull', name, '1.0.0', '--format', 'json');

      expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
      const layer = artifact.blobs[1]?.descriptor;
      expect(JSON.parse(pulled.stdout)).toEqual({
        path: join(command.cacheDir, `kcl/${name}/1.0.0/package.tar.gz`),
        reference: `${registry.host}/kcl/${name}:1.0.0`,
        digest: layer?.digest,
        manifest_digest: expect.stringMatching(/^sha256:/),
        content_digest: layer?.digest,
        size: layer?.size,
        media_type: layer?.mediaType,
        from_cache: false,
      });
      expect(await filesOf(join(command.cacheDir, `kcl/${name}/1.0.0/package.tar.gz`))).toEqual([
        'kcl.mod',
        'kcl.mod.lock',
        'main.k',
        'models/server.k',
      ]);
      const again = await command('kcl', 'pull', name, '1.0.0', '--format', 'json');
      expect(JSON.parse(again.stdout)).toMatchObject({ from_cache: true });
    },
  );

  it('pulls an image that skopeo pushed', async () => {
    await skopeoPush(image({ layers: [{ 'app/run.sh': 'true' }] }), 'kcl/an-image:1.0.0');
    const pulled = await command('-q', 'kcl', 'pull', 'an-image', '1.0.0');
    expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await filesOf(pulled.stdout.trim())).toEqual(['app/run.sh']);
  });

  it('wants to know which layer is meant when an image has several', async () => {
    const two = image({ layers: [{ 'base/a': 'a' }, { 'app/b': 'b' }] });
    await skopeoPush(two, 'kcl/two-layers:1.0.0');
    const refused = await command('kcl', 'pull', 'two-layers', '1.0.0');
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    const digest = two.blobs[2]?.descriptor.digest ?? '';
    expect(refused.stderr).toContain(digest);
    const pulled = await command('-q', 'kcl', 'pull', 'two-layers', '1.0.0', '--layer', digest);
    expect(await filesOf(pulled.stdout.trim())).toEqual(['app/b']);
  });

  it('leaves a cache directory that skopeo and oras read as a layout', async () => {
    await orasPush(kclPackage({ name: 'layout', version: '1.0.0' }), 'layout', eras[2].options);
    await command('kcl', 'pull', 'layout', '1.0.0');
    const raw = await run(peer('skopeo') ?? '', ['inspect', '--raw', `oci:${command.cacheDir}`]);
    expect(raw).toMatchObject({ exitCode: 0 });
    const tags = await run(peer('oras') ?? '', ['repo', 'tags', '--oci-layout', command.cacheDir]);
    expect(tags.stdout.trim()).toBe(`${registry.host}/kcl/layout:1.0.0`);
  });

  it('ends with 7 and keeps nothing of a blob that was altered on the registry', async () => {
    const artifact = kclPackage({ name: 'altered', version: '1.0.0' });
    await orasPush(artifact, 'altered', eras[2].options);
    const digest = artifact.blobs[1]?.descriptor.digest ?? '';
    const hex = digest.slice('sha256:'.length);
    const stored = join(
      registry.storageDir,
      `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`,
    );
    const bytes = await readFile(stored);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(stored, bytes);

    const pulled = await command('kcl', 'pull', 'altered', '1.0.0');

    expect(pulled.exitCode).toBe(7);
    expect(pulled.stdout).toBe('');
    expect(pulled.stderr.match(/sha256:[a-f0-9]{64}/g)).toHaveLength(2);
    expect(pulled.stderr).toContain(digest);
    expect(await readdir(join(command.cacheDir, 'blobs/sha256'))).not.toContain(hex);
    expect(await readdir(join(command.cacheDir, '.tmp'))).toEqual([]);
    expect(await readdir(command.cacheDir)).not.toContain('kcl');
  });

  it('ends with 3 and names the nearest versions when there is no such one', async () => {
    await orasPush(kclPackage({ name: 'versions', version: '1.0.0' }), 'versions', eras[2].options);
    const pulled = await command('kcl', 'pull', 'versions', '1.0.1');
    expect(pulled).toMatchObject({ exitCode: 3, stdout: '' });
    expect(pulled.stderr).toContain('1.0.0');
    expect(await command('exists', 'kcl/versions', '1.0.1')).toMatchObject({
      exitCode: 3,
      stdout: 'kcl/versions 1.0.1 does not exist\n',
    });
    const found = await command('exists', 'kcl/versions', '1.0.0', '--format', 'json');
    expect(found).toMatchObject({ exitCode: 0 });
    expect(expectJson('exists', found.stdout)).toMatchObject({ exists: true });
    const manifest = await command('manifest', 'kcl/versions', '1.0.0', '--format', 'json');
    expect(expectJson('manifest', manifest.stdout)).toMatchObject({ from_cache: false });
  });

  it('ends with 3 when there is no such repository', async () => {
    const pulled = await command('kcl', 'pull', 'nowhere', '1.0.0', '--format', 'json');
    expect(pulled).toMatchObject({ exitCode: 3, stdout: '' });
    expect(JSON.parse(pulled.stderr)).toMatchObject({
      error: { code: expect.stringMatching(/UNKNOWN/) },
    });
  });

  it('lists what was pushed', async () => {
    await orasPush(kclPackage({ name: 'listed', version: '1.0.0' }), 'listed', eras[2].options);
    const { stdout, exitCode } = await command('list', 'kcl', '--format', 'json');
    expect(exitCode).toBe(0);
    const { artifacts } = expectJson('list', stdout) as { artifacts: readonly { name: string }[] };
    expect(artifacts.find(({ name }) => name === 'listed')).toMatchObject({
      version: '1.0.0',
      media_type: 'application/vnd.oci.image.manifest.v1+json',
      created_at: expect.stringMatching(/^\d{4}-/),
    });
  });

  describe('with extensions', () => {
    const samples = new URL('../../../examples/packages/', import.meta.url).pathname;

    it('pushes, pulls and installs one, and leaves it alone the second time', async () => {
      const sample = join(samples, 'taskserv/kubernetes');
      const pushed = await command('extension', 'push', 'taskserv', sample, '--format', 'json');
      const { size } = expectJson('push', pushed.stdout) as { readonly size: number };
      const pulling = ['extension', 'pull', 'taskserv', 'kubernetes', '1.28.0', '--format', 'json'];
      expect(expectJson('pull', (await command(...pulling)).stdout)).toMatchObject({ size });
      const args = [
        'extension',
        'install',
        'taskserv',
        'kubernetes',
        '1.28.0',
        '--install-dir',
        join(work.path, 'installed'),
        '--format',
        'json',
      ];
      const first = await command(...args);
      expect(first).toMatchObject({ exitCode: 0, stderr: '' });
      const { path, changed } = expectJson('install', first.stdout) as {
        path: string;
        changed: boolean;
      };
      expect(changed).toBe(true);
      expect(await readdir(path)).toContain('extension.toml');
      expect(JSON.parse((await command(...args)).stdout)).toMatchObject({ path, changed: false });
    });

    it('refuses to replace a version that is published with other content', async () => {
      const dir = join(work.path, 'other-core');
      await mkdir(dir, { recursive: true });
      await command('kcl', 'push', join(samples, 'kcl/provisioning-core'));
      await writeFile(
        join(dir, 'kcl.mod'),
        '[package]\nname = "provisioning-core"\nversion = "1.0.0"\n',
      );
      const refused = await command('kcl', 'push', dir);
      expect(refused.exitCode).toBe(9);
      expect(refused.stderr).toContain('--force');
      expect(await command('kcl', 'push', dir, '--force')).toMatchObject({ exitCode: 0 });
    });
  });
});
