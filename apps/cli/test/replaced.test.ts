import { cp, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  type TemporaryDirectory,
  type TestRegistry,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

const samples = fileURLToPath(new URL('../../../examples/packages/', import.meta.url));

describe('a version that is published again', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let here: Ocictl;
  let elsewhere: Ocictl;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('ocictl-replaced-');
    here = ocictl(join(work.path, 'here'), registry.url);
    elsewhere = ocictl(join(work.path, 'elsewhere'), registry.url);
    await cp(join(samples, 'kcl/provisioning-core'), join(work.path, 'core'), { recursive: true });
    await cp(join(samples, 'taskserv/kubernetes'), join(work.path, 'kubernetes'), {
      recursive: true,
    });
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const json = async (command: Ocictl, schema: string, ...args: readonly string[]) => {
    const { stdout, stderr } = await command('--format', 'json', ...args);
    const printed: Record<string, unknown> = { ...expectJson(schema, stdout), stderr };
    return printed;
  };
  const pull = (command: Ocictl, ...options: readonly string[]) =>
    json(command, 'pull', ...options, 'kcl', 'pull', 'provisioning-core', '1.0.0');
  const push = (...options: readonly string[]) =>
    json(here, 'push', 'kcl', 'push', join(work.path, 'core'), ...options);
  const change = () => writeFile(join(work.path, 'core/new.k'), 'new = True\n');

  it('by force is forgotten by the cache of this machine, and it is told what others do', async () => {
    const first = await push();
    expect(first).toMatchObject({ changed: true, replaced: null, stderr: '' });
    const old = first as unknown as { manifest_digest: string; content_digest: string };
    for (const command of [here, elsewhere])
      expect(await pull(command)).toMatchObject({ content_digest: old.content_digest });
    await change();
    const second = await push('--force');
    expect(second).toMatchObject({ changed: true, replaced: old.manifest_digest });
    const told = 'ocictl --refresh kcl pull provisioning-core 1.0.0';
    expect(second['stderr']).toContain(`keeps the old content until it runs: ${told}`);
    const { content_digest: content } = second as unknown as typeof old;
    expect(await pull(here)).toMatchObject({ content_digest: content, from_cache: false });
    expect(await pull(elsewhere)).toMatchObject({ content_digest: old.content_digest });
    const args = told.split(' ').slice(1);
    expect(await json(elsewhere, 'pull', ...args)).toMatchObject({ content_digest: content });
  });

  it('is published also where the cache is not as it should be, with a warning', async () => {
    await push();
    await pull(here);
    await change();
    await rename(join(here.cacheDir, 'state'), join(work.path, 'state'));
    await symlink(join(work.path, 'state'), join(here.cacheDir, 'state'));
    const pushed = await push('--force');
    expect(pushed).toMatchObject({ changed: true });
    expect(pushed['stderr']).toContain('the cache may still hold the old');
  });

  it('as an extension is told of with the pull of an extension', async () => {
    const directory = join(work.path, 'kubernetes');
    await here('extension', 'push', 'taskserv', directory);
    await writeFile(join(directory, 'new.txt'), '');
    const pushed = await here('extension', 'push', 'taskserv', directory, '--force');
    expect(pushed.stderr).toContain('ocictl --refresh extension pull taskserv kubernetes 1.28.0');
  });

  it('with the same content is the one that is published, whenever it is pushed', async () => {
    const first = await push();
    const again = ocictl(join(work.path, 'here'), registry.url, { SOURCE_DATE_EPOCH: '1' });
    const second = await json(again, 'push', 'kcl', 'push', join(work.path, 'core'));
    expect(second).toMatchObject({ changed: false, replaced: null, digest: first['digest'] });
    const text = await here('kcl', 'push', join(work.path, 'core'));
    expect(text.stdout).toMatch(/^already published\s+kcl\/provisioning-core:1\.0\.0\n/);
  });

  it.each([
    ['deleted and pushed', ['delete', '--yes', 'kcl/provisioning-core:1.0.0']],
    ['deleted by its digest and pushed', undefined],
  ])('%s again is pulled as it is now', async (_, deletion) => {
    const first = await push();
    await pull(here);
    await change();
    await here(
      ...(deletion ?? ['delete', '--yes', `kcl/provisioning-core@${String(first['digest'])}`]),
    );
    const second = await push();
    expect(await pull(here)).toMatchObject({ content_digest: second['content_digest'] });
  });

  it('by a copy, or as files, is pulled as it is now', async () => {
    await push();
    const old = await pull(here);
    await change();
    const mod = join(work.path, 'core/kcl.mod');
    await writeFile(mod, (await readFile(mod, 'utf8')).replace('1.0.0', '1.0.1'));
    await push();
    expect(
      await here('copy', 'kcl/provisioning-core:1.0.1', 'kcl/provisioning-core:1.0.0'),
    ).toMatchObject({ exitCode: 0 });
    const copied = await pull(here);
    expect(copied['content_digest']).not.toBe(old['content_digest']);
    const archive = `${String(old['path'])}:application/vnd.oci.image.layer.v1.tar+gzip`;
    const files = await here('push', 'kcl/provisioning-core:1.0.0', archive, '--force');
    expect(files.stderr).toContain('was replaced');
    expect(await pull(here)).toMatchObject({ from_cache: false });
  });

  it('says when it was made, in listings too', async () => {
    const dated = ocictl(join(work.path, 'here'), registry.url, {
      SOURCE_DATE_EPOCH: '1700000000',
    });
    await dated('kcl', 'push', join(work.path, 'core'));
    const { artifacts } = (await json(here, 'list', 'kcl', 'list')) as unknown as {
      artifacts: readonly { created_at: string }[];
    };
    expect(artifacts).toMatchObject([{ created_at: '2023-11-14T22:13:20Z' }]);
  });
});
