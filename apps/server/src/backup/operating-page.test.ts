import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { openRepository } from '@oci/client';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type Versitygw,
  compile,
  image,
  inChunks,
  peer,
  run,
  startDockerRegistry,
  startVersitygw,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { readAll, store } from '../../test/stored-repositories.js';
import { ensureFormat } from '../hosted/format.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { Records } from '../hosted/records.js';

const page = new URL('../../../../docs/operating.md', import.meta.url);
const app = parseRepositoryName('team/app');
const artifact = image();

describePeer(['docker-registry', 'oras', 'skopeo', 'versitygw'], 'docs/operating.md', () => {
  let work: TemporaryDirectory;
  let gateway: Versitygw;
  beforeAll(async () => {
    work = await temporaryDirectory();
    gateway = await startVersitygw();
    await writePrograms(work.path);
    await writeConfigurations(work.path, gateway);
    await store(await registryIn(at('/var/lib/oci-server')), app, artifact, [parseTag('1.0')]);
    await fillDockerRegistry(at('/var/lib/docker-registry'));
  }, 60_000);
  afterAll(async () => {
    await gateway.close();
    await work.remove();
  });

  const at = (path: string): string => join(work.path, path);

  test('every command does what the page says, in its order', async () => {
    const blocks = [...(await readFile(page, 'utf8')).matchAll(/^```sh\n(.*?)^```$/gms)];
    const code = blocks.map(([, block = '']) => block).join('\n');
    const script = join(work.path, 'page.sh');
    const placed = code.replace(/(?<=[\s:])\/(?=backup|var|etc|tmp)/g, `${work.path}/`);
    await writeFile(script, `set -eE\ntrap 'echo "failed: $BASH_COMMAND" >&2' ERR\n${placed}`);
    const env = { PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`, HOME: work.path };
    const end = await run('bash', [script], { cwd: work.path, env });
    expect({ ...end, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: expect.any(String) });
    expect(end.stdout).not.toContain('problem:');
    const before = await readAll(await registryIn(at('/var/lib/oci-server')));
    expect(before).toHaveProperty(['team/app', 'tags', '1.0']);
    expect(await readAll(await registryIn(at('/var/lib/oci-server-restored')))).toEqual(before);
    const moved = await readAll(await registryIn(at('/var/lib/oci-server-moved')));
    expect(Object.keys(moved)).toEqual(['old/app', 'team/imported']);
  }, 120_000);
});

async function registryIn(dataDir: string): Promise<HostedRegistry> {
  const files = createFileObjectStore(join(dataDir, 'registry'), { fsync: false });
  await ensureFormat(new Records(files));
  return createHostedRegistry(files);
}

async function writePrograms(directory: string): Promise<void> {
  const dist = join(directory, 'dist');
  const bin = join(directory, 'bin');
  for (const path of [dist, bin, join(directory, 'tmp')]) await mkdir(path);
  const from = new URL('../readme.ts', import.meta.url).href;
  const program = await compile(`await import('./main.js');`, { from, directory: dist });
  const programs = {
    'oci-server': `exec ${process.execPath} ${program} "$@"`,
    systemctl: 'exit 0',
    skopeo: `exec ${peer('skopeo')} --insecure-policy "$@"`,
    oras: `exec ${peer('oras')} "$@"`,
  };
  for (const [name, line] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${line}\n`);
    await chmod(join(bin, name), 0o755);
  }
}

async function writeConfigurations(directory: string, gateway: Versitygw): Promise<void> {
  const etc = join(directory, 'etc/oci-server');
  await mkdir(etc, { recursive: true });
  const { accessKeyId, secretAccessKey } = gateway.credentials;
  await writeFile(join(etc, 'id'), accessKeyId, { mode: 0o600 });
  await writeFile(join(etc, 'secret'), secretAccessKey, { mode: 0o600 });
  const dataDir = join(directory, 'var/lib/oci-server');
  const server = `[orchestrator.oci.server]\ndata_dir = "${dataDir}"\n`;
  await writeFile(join(etc, 'files.toml'), server);
  const storage = [
    '[orchestrator.oci.server.storage]',
    'kind = "s3"',
    `bucket = "${await gateway.createBucket()}"`,
    `endpoint = "${gateway.endpoint}"`,
    `region = "${gateway.region}"`,
    'path_style = true',
    `access_key_id_file = "${join(etc, 'id')}"`,
    `secret_access_key_file = "${join(etc, 'secret')}"`,
  ];
  await writeFile(join(etc, 'bucket.toml'), `${server}${storage.join('\n')}\n`);
}

async function fillDockerRegistry(dir: string): Promise<void> {
  await using server = await startDockerRegistry({ dir });
  await using opened = openRepository(`${server.host}/old/app`);
  const { repository } = opened;
  for (const { descriptor, bytes } of artifact.blobs)
    await repository.pushBlob(descriptor, inChunks(bytes));
  await repository.pushManifest(artifact.manifest, { tag: parseTag('1.0') });
}
