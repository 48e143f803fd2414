import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type DockerRegistry,
  type TemporaryDirectory,
  peer,
  run,
  startDockerRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describePeer(['docker-registry', 'oras'], 'any artifact, at a docker-registry', () => {
  let registry: DockerRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;
  let count = 0;
  let name: string;

  beforeAll(async () => {
    registry = await startDockerRegistry();
    work = await temporaryDirectory('ocictl-references-');
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });
  beforeEach(() => {
    count += 1;
    name = `team/tool-${count}`;
    command = ocictl(join(work.path, `home-${count}`), registry.url);
  });

  async function file(path: string, content: string): Promise<string> {
    const full = join(work.path, `files-${count}`, path);
    await mkdir(join(full, '..'), { recursive: true });
    await writeFile(full, content);
    return full;
  }

  it('pushes files that oras pulls, and pulls them back', async () => {
    const tool = await file('tool.json', '{"a":1}');
    const pushed = await command(
      'push',
      `${name}:1.2.0`,
      `${tool}:application/json`,
      await file('README.md', '# tool'),
      '--artifact-type',
      'application/vnd.team.tool.v1',
      '-a',
      'team=core',
      '--format',
      'json',
    );
    expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
    const { digest } = expectJson('push-files', pushed.stdout);
    const out = join(work.path, `oras-${count}`);
    const target = `${registry.host}/${name}:1.2.0`;
    const oras = await run(peer('oras') ?? '', ['pull', '--plain-http', '-o', out, target]);
    expect(oras.exitCode).toBe(0);
    expect(await readFile(join(out, 'tool.json'), 'utf8')).toBe('{"a":1}');

    const directory = join(work.path, `pulled-${count}`);
    const pulled = await command('pull', target, '-o', directory, '--format', 'json');
    expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(expectJson('pull-files', pulled.stdout)).toMatchObject({
      reference: target,
      digest,
      artifact_type: 'application/vnd.team.tool.v1',
      files: [
        { path: join(directory, 'tool.json'), media_type: 'application/json', size: 7 },
        { path: join(directory, 'README.md') },
      ],
    });
    expect((await readdir(directory)).sort()).toEqual(['README.md', 'tool.json']);
    const resolved = await command('resolve', `${name}:1.2.0`, '--format', 'json');
    expect(expectJson('resolve', resolved.stdout)).toMatchObject({ digest, reference: target });
    expect((await command('-q', 'digest', `${name}:1.2.0`)).stdout).toBe(`${String(digest)}\n`);
  });

  it('replaces no version without being told, and moves other tags', async () => {
    const push = async (tag: string, content: string, ...more: string[]) =>
      command('push', `${name}:${tag}`, await file('a', content), ...more);
    for (const tag of ['1.0.0', 'latest'])
      expect(await push(tag, '1')).toMatchObject({ exitCode: 0 });
    const refused = await push('1.0.0', '2');
    expect(refused).toMatchObject({ exitCode: 9, stdout: '' });
    expect(refused.stderr).toContain('--force');
    expect(await push('1.0.0', '2', '--force')).toMatchObject({ exitCode: 0 });
    expect(await push('latest', '2')).toMatchObject({ exitCode: 0 });
  });

  it('takes the same files for what is published, whenever they are pushed again', async () => {
    const path = await file('a', '1');
    const push = (date: string, ...more: string[]) => {
      const then = ocictl(join(work.path, `home-${count}`), registry.url, {
        SOURCE_DATE_EPOCH: date,
      });
      return then('-q', 'push', `${name}:1.0.0`, path, '-a', 'team=core', ...more);
    };
    const first = await push('1700000000');
    expect(first).toMatchObject({ exitCode: 0 });
    expect(await push('1800000000')).toEqual(first);
    expect(await push('1800000000', '-a', 'team=other')).toMatchObject({ exitCode: 9 });
    const dated = 'org.opencontainers.image.created=2030-01-01T00:00:00Z';
    expect(await push('1800000000', '-a', dated)).toMatchObject({ exitCode: 9 });
  });

  it('lists tags by version', async () => {
    const path = await file('a', 'a');
    for (const tag of ['1.10.0', '1.9.0', 'latest', '1.10.0-rc.1'])
      await command('push', `${name}:${tag}`, path);
    const listed = await command('tags', name);
    expect(listed.stdout).toBe('1.9.0\n1.10.0-rc.1\n1.10.0\nlatest\n');
    const json = await command('tags', `${registry.host}/${name}`, '--format', 'json');
    expect(expectJson('tags', json.stdout)).toMatchObject({
      repository: `${registry.host}/${name}`,
    });
  });

  it('attaches files, and draws what refers to what', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'a'));
    const sbom = await file('sbom.json', '{}');
    const type = 'application/spdx+json';
    const attached = await command(
      'attach',
      `${name}:1.0.0`,
      `${sbom}:${type}`,
      '--artifact-type',
      type,
      '--format',
      'json',
    );
    expect(attached).toMatchObject({ exitCode: 0 });
    const { digest } = expectJson('push-files', attached.stdout) as { digest: string };
    const signature = 'application/vnd.example.signature';
    await command('attach', `${name}@${digest}`, '--artifact-type', signature);
    const drawn = await command('referrers', `${name}:1.0.0`);
    expect(drawn.stdout.split('\n').map((line) => line.split('  ')[0])).toEqual([
      `${registry.host}/${name}:1.0.0`,
      `└── ${type}`,
      '',
      '',
    ]);
    expect(drawn.stdout).toContain(`    └── ${signature}`);
    const json = await command('discover', `${name}:1.0.0`, '--format', 'json');
    expect(expectJson('referrers', json.stdout)).toMatchObject({
      referrers: [{ digest, artifact_type: type, referrers: [{ artifact_type: signature }] }],
    });
  });

  it('attaches nothing when there is nothing to attach', async () => {
    await command('push', `${name}:1.0.0`, await file('tool', 'x'));
    const refused = await command('attach', `${name}:1.0.0`);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain('there is nothing to attach [USAGE]');
  });

  it('deletes what is confirmed, and says how where single tags cannot be deleted', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'a'));
    const unasked = await command('delete', `${name}:1.0.0`);
    expect(unasked).toMatchObject({ exitCode: 2 });
    expect(unasked.stderr).toContain('--yes');
    const { stdout } = await command('-q', 'resolve', `${name}:1.0.0`);
    const tag = await command('delete', '--yes', `${name}:1.0.0`);
    expect(tag.exitCode).toBe(1);
    expect(tag.stderr).toContain(`ocictl delete ${registry.host}/${name}@${stdout.trim()}`);
    const all = await command('delete', '-y', `${name}@${stdout.trim()}`, '--format', 'json');
    expect(all).toMatchObject({ exitCode: 0 });
    expect(expectJson('delete', all.stdout)).toMatchObject({ deleted: 'manifest' });
    expect(await command('resolve', `${name}:1.0.0`)).toMatchObject({ exitCode: 3 });
  });

  it('leaves files that are there alone when asked to, and what is right anyway', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'right'));
    const directory = join(work.path, `kept-${count}`);
    await mkdir(directory);
    await writeFile(join(directory, 'a'), 'wrong');
    const pull = ['pull', `${name}:1.0.0`, '-o', directory];
    expect(await command(...pull, '--keep-old-files')).toMatchObject({ exitCode: 9 });
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('wrong');
    expect(await command(...pull)).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('right');
    expect(await command(...pull, '-k')).toMatchObject({ exitCode: 0 });
  });

  it('writes nothing through a link that leads out (GHSA-g5v4-5x39-vwhx)', async () => {
    const directory = join(work.path, `linked-${count}`);
    const outside = join(work.path, `outside-${count}`);
    await mkdir(directory);
    await mkdir(outside);
    await symlink(outside, join(directory, 'sub'));
    const source = join(work.path, `source-${count}`);
    await mkdir(join(source, 'sub'), { recursive: true });
    await writeFile(join(source, 'sub/a'), 'a');
    const target = `${registry.host}/${name}:1.0.0`;
    const args = ['push', '--plain-http', target, 'sub/a:text/plain'];
    expect(await run(peer('oras') ?? '', args, { cwd: source })).toMatchObject({ exitCode: 0 });
    const pulled = await command('pull', target, '-o', directory);
    expect(pulled).toMatchObject({ exitCode: 9, stdout: '' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('says each request with --debug, on stderr', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'a'));
    const { stderr, exitCode } = await command('-d', 'resolve', `${name}:1.0.0`);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(new RegExp(`^debug: registry ${registry.url} \\(environment OCI_`, 'm'));
    expect(stderr).toMatch(
      new RegExp(`^debug: HEAD ${registry.url}/v2/${name}/manifests/1\\.0\\.0 200 \\d+ ms$`, 'm'),
    );
  });

  it('copies to a layout that oras reads, from it, and says what is left behind', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'a'));
    await command('attach', `${name}:1.0.0`, '--artifact-type', 'application/vnd.example.note');
    const layout = join(work.path, `layout-${count}`);
    const copied = await command('copy', `${name}:1.0.0`, `oci:${layout}`, '--format', 'json');
    expect(copied).toMatchObject({ exitCode: 0 });
    expect(expectJson('copy', copied.stdout)).toMatchObject({
      tags: ['1.0.0'],
      referrers: 0,
      left: { referrers: 1 },
    });
    const tags = await run(peer('oras') ?? '', ['repo', 'tags', '--oci-layout', layout]);
    expect(tags.stdout).toBe('1.0.0\n');
    const back = await command('cp', '-r', `oci:${layout}:1.0.0`, `${name}:2.0.0`);
    expect(back).toMatchObject({ exitCode: 0 });
    expect(back.stdout).toContain('there already');
    expect(back.stdout).toMatch(/^tag +2\.0\.0$/m);
    expect((await command('tags', name)).stdout).toBe('1.0.0\n2.0.0\n');
  });

  it('brings anew what a layout has wrong, of another size or the same', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'content'));
    const layout = join(work.path, `layout-${count}`);
    const copy = async (...options: string[]) =>
      expectJson(
        'copy',
        (await command('copy', `${name}:1.0.0`, `oci:${layout}`, '--format', 'json', ...options))
          .stdout,
      );
    await copy();
    const blob = join(layout, 'blobs', 'sha256', sha256('content'));
    await chmod(blob, 0o600);
    expect(await copy()).toMatchObject({ copied: { blobs: 0 } });
    for (const options of [[], ['--verify']])
      for (const wrong of ['damaged', 'short']) {
        await writeFile(blob, wrong);
        expect(await copy(...options)).toMatchObject({ copied: { blobs: 1 } });
        expect(await readFile(blob, 'utf8')).toBe('content');
      }
  });

  it('is found in good health by the doctor, and one that is down in none', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'a'));
    const healthy = await command('doctor', '--repository', name, '--format', 'json');
    expect(healthy).toMatchObject({ exitCode: 0, stderr: '' });
    expect(expectJson('doctor', healthy.stdout)).toMatchObject({
      origin: registry.url,
      healthy: true,
      credential: { kind: 'anonymous' },
    });
    const down = await command('doctor', 'http://127.0.0.1:1');
    expect(down.exitCode).toBe(6);
    expect(down.stdout).toMatch(/^verdict: 127\.0\.0\.1:1 cannot be used/m);
    const mistaken = await command('doctor', `https://${registry.host}`);
    expect(mistaken.stdout).toContain('speaks HTTP, not HTTPS');
  });

  it('prints the manifest of a reference byte for byte', async () => {
    await command('push', `${name}:1.0.0`, await file('a', 'a'));
    const raw = await command('manifest', `${registry.host}/${name}:1.0.0`, '--raw');
    const url = `${registry.url}/v2/${name}/manifests/1.0.0`;
    const accept = 'application/vnd.oci.image.manifest.v1+json';
    expect(raw.stdout).toBe(await (await fetch(url, { headers: { accept } })).text());
  });
});
