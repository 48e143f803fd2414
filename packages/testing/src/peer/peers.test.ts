import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { imageIndex } from '../artifact/image-index.js';
import { image } from '../artifact/image.js';
import { kclPackage } from '../artifact/kcl-package.js';
import { describePeer } from '../contracts/index.js';
import { startRegistry } from '../registry/test-registry.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { dockerRegistryCredential, startDockerRegistry } from './docker-registry.js';
import { peer } from './peer.js';
import { run } from './run.js';

const user = { username: 'tester', password: 'secret' };

test('a program that nobody has is not found', () => {
  expect(peer('no-such-program-anywhere')).toBeUndefined();
});

test('a program is run to its end', async () => {
  const result = await run(process.execPath, [
    '-e',
    'console.log(1);console.error(2);process.exit(3)',
  ]);
  expect(result).toEqual({ exitCode: 3, stdout: '1\n', stderr: '2\n' });
});

describePeer('oras', 'oras and the test registry', () => {
  const oras = (args: readonly string[], cwd: string): ReturnType<typeof run> =>
    run(peer('oras') ?? '', args, { cwd, env: { HOME: cwd, DOCKER_CONFIG: cwd } });

  test('it pushes and pulls with a token', async () => {
    await using directory = await temporaryDirectory();
    await using registry = await startRegistry({ auth: { bearer: user } });
    await writeFile(join(directory.path, 'file.txt'), 'hello');
    const login = ['--plain-http', '-u', user.username, '-p', user.password];
    const target = `${registry.host}/team/app:v1`;
    const pushed = await oras(['push', ...login, target, 'file.txt:text/plain'], directory.path);
    expect(pushed).toMatchObject({ exitCode: 0 });
    const pulled = await oras(['pull', ...login, '-o', 'out', target], directory.path);
    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(directory.path, 'out', 'file.txt'))).toBe(true);
    expect(registry.openUploads).toBe(0);
  });

  test('it pulls a KCL package, lists tags, and finds referrers', async () => {
    await using directory = await temporaryDirectory();
    for (const referrers of [true, false]) {
      await using registry = await startRegistry({ referrers });
      registry.putArtifact('kcl/demo', '0.1.0', kclPackage({ name: 'demo', version: '0.1.0' }));
      const name = `${registry.host}/kcl/demo`;
      const pulled = await oras(['pull', '--plain-http', `${name}:0.1.0`], directory.path);
      expect(pulled).toMatchObject({ exitCode: 0 });
      expect(existsSync(join(directory.path, 'demo_0.1.0.tgz'))).toBe(true);
      const tags = await oras(['repo', 'tags', '--plain-http', name], directory.path);
      expect(tags).toMatchObject({ exitCode: 0, stdout: '0.1.0\n' });
      await writeFile(join(directory.path, 'sig'), 'signature');
      const type = 'application/vnd.example.signature';
      const attach = ['attach', '--plain-http', '--artifact-type', type, `${name}:0.1.0`, 'sig'];
      expect(await oras(attach, directory.path)).toMatchObject({ exitCode: 0 });
      const found = await oras(['discover', '--plain-http', `${name}:0.1.0`], directory.path);
      expect(found.stdout).toContain(type);
    }
  });
});

describePeer('skopeo', 'skopeo and the test registry', () => {
  test('it copies an index with all its images, with a password', async () => {
    await using from = await startRegistry();
    await using to = await startRegistry({ auth: { basic: user } });
    const index = imageIndex();
    from.putArtifact('team/app', 'v1', index);
    const result = await run(peer('skopeo') ?? '', [
      ...'copy --all --src-tls-verify=false --dest-tls-verify=false'.split(' '),
      `--dest-creds=${user.username}:${user.password}`,
      `docker://${from.host}/team/app:v1`,
      `docker://${to.host}/copy/app:v1`,
    ]);
    expect(result).toMatchObject({ exitCode: 0 });
    const copied = to.repositories.get('copy/app');
    expect([...(copied?.tags.values() ?? [])]).toEqual([index.manifest.descriptor.digest]);
    expect(copied?.manifests.size).toBe(3);
  });
});

describePeer('crane', 'crane and the test registry', () => {
  test('it finds nothing wrong with an image', async () => {
    await using registry = await startRegistry();
    registry.putArtifact('team/app', 'v1', image());
    const reference = `${registry.host}/team/app:v1`;
    const result = await run(peer('crane') ?? '', [
      'validate',
      '--insecure',
      '--remote',
      reference,
    ]);
    expect(result).toMatchObject({ exitCode: 0 });
  });
});

describePeer('docker-registry', 'startDockerRegistry', () => {
  test('answers, stores in its directory, and leaves nothing behind', async () => {
    const registry = await startDockerRegistry();
    expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
    await fetch(`${registry.url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
    expect(existsSync(join(registry.storageDir, 'docker', 'registry', 'v2'))).toBe(true);
    await registry.close();
    expect(existsSync(registry.storageDir)).toBe(false);
    await expect(fetch(registry.url)).rejects.toThrow('fetch failed');
  });

  test('wants its only user with `auth`, and keeps a directory that was given', async () => {
    await using directory = await temporaryDirectory();
    const registry = await startDockerRegistry({ dir: directory.path, auth: true });
    const { username, password } = dockerRegistryCredential;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    expect((await fetch(`${registry.url}/v2/`)).status).toBe(401);
    expect((await fetch(`${registry.url}/v2/`, { headers: { authorization } })).status).toBe(200);
    await registry.close();
    expect(existsSync(directory.path)).toBe(true);
  });
});
