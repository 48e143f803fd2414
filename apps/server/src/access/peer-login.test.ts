import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { type TemporaryDirectory, peer, randomBytes, run, temporaryDirectory } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type RunningServer, startServer } from '../server.js';
import { createAccessToken } from './access-token.js';

const { secret, hash } = createAccessToken();
const content = randomBytes(83, 1_000_000);
let work: TemporaryDirectory;
let server: RunningServer;
let host: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(work.path, 'data'),
    manager: { namespace: 'extensions', cacheDir: join(work.path, 'cache') },
    access: {
      tokens: [{ name: 'ci', hash }],
      rules: [
        { who: ['token:ci'], namespaces: ['kcl'], actions: ['list', 'pull', 'push'] },
        { who: ['anyone'], namespaces: ['kcl/open'], actions: ['list', 'pull'] },
      ],
    },
  });
  ({ host } = new URL(server.url));
  await writeFile(join(work.path, 'package.tgz'), content);
});
afterEach(async () => {
  await server.close();
  await work.remove();
});

function peerRun(program: string, args: readonly string[]): ReturnType<typeof run> {
  const env = {
    HOME: work.path,
    DOCKER_CONFIG: work.path,
    REGISTRY_AUTH_FILE: join(work.path, 'auth.json'),
  };
  return run(peer(program) ?? program, args, { cwd: work.path, env });
}

describePeer('oras', 'oras at a server with rules', () => {
  test('logs in, pushes and pulls where it may, and is refused elsewhere', async () => {
    const oras = (...args: string[]) => peerRun('oras', [...args, '--plain-http']);
    const wrong = await oras('login', host, '-u', 'ci', '-p', 'oci_wrong');
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining('401')]);
    const before = await oras('push', `${host}/kcl/demo:1`, 'package.tgz');
    expect(before.exitCode).toBe(1);
    expect(await oras('login', host, '-u', 'ci', '-p', secret)).toMatchObject({ exitCode: 0 });
    expect(await oras('push', `${host}/kcl/demo:1`, 'package.tgz')).toMatchObject({ exitCode: 0 });
    expect(await oras('push', `${host}/kcl/open/x:1`, 'package.tgz')).toMatchObject({
      exitCode: 0,
    });
    expect(await oras('repo', 'tags', `${host}/kcl/demo`)).toMatchObject({ stdout: '1\n' });
    expect((await oras('repo', 'ls', host)).stdout).toBe('kcl/demo\nkcl/open/x\n');
    const elsewhere = await oras('push', `${host}/team/demo:1`, 'package.tgz');
    expect([elsewhere.exitCode, elsewhere.stderr]).toEqual([1, expect.stringContaining('403')]);

    expect(await peerRun('oras', ['logout', host])).toMatchObject({ exitCode: 0 });
    const anonymous = await oras('pull', `${host}/kcl/open/x:1`, '-o', join(work.path, 'out'));
    expect(anonymous).toMatchObject({ exitCode: 0 });
    expect(digestOf(await readFile(join(work.path, 'out', 'package.tgz')))).toBe(digestOf(content));
    expect((await oras('pull', `${host}/kcl/demo:1`, '-o', 'no')).exitCode).toBe(1);
  });
});

describePeer(['skopeo', 'oras'], 'skopeo at a server with rules', () => {
  test('logs in, copies in and out where it may', async () => {
    const skopeo = (...args: string[]) => peerRun('skopeo', args);
    const layout = join(work.path, 'layout');
    const file = 'package.tgz:application/vnd.oci.image.layer.v1.tar';
    await peerRun('oras', ['push', '--oci-layout', `${layout}:1`, file]);
    const remote = (name: string) => `docker://${host}/${name}:1`;
    const push = (name: string) =>
      skopeo('copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}:1`, remote(name));
    expect((await push('kcl/app')).exitCode).not.toBe(0);
    const login = await skopeo('login', '--tls-verify=false', '-u', 'ci', '-p', secret, host);
    expect(login).toMatchObject({ exitCode: 0 });
    expect(await push('kcl/app')).toMatchObject({ exitCode: 0 });
    expect((await push('team/app')).exitCode).not.toBe(0);
    const inspected = await skopeo('inspect', '--raw', '--tls-verify=false', remote('kcl/app'));
    expect(inspected).toMatchObject({ exitCode: 0 });
  });
});
