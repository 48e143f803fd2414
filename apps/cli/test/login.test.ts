import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type DockerRegistry,
  type TemporaryDirectory,
  dockerRegistryCredential,
  startDockerRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl, ocictlProgram } from './ocictl.js';

describePeer(['docker-registry'], 'a docker-registry with passwords', () => {
  let registry: DockerRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;

  beforeAll(async () => {
    registry = await startDockerRegistry({ auth: true });
    work = await temporaryDirectory('ocictl-login-');
    command = ocictl(work.path, registry.url);
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });

  async function logIn(
    password: string,
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const { username } = dockerRegistryCredential;
    const args = ['login', '-u', username, '--password-stdin', '--format', 'json'];
    const { program, env } = ocictlProgram(work.path, registry.url);
    const child = spawn(process.execPath, [program, ...args], { env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.end(`${password}\n`);
    const [code] = (await once(child, 'close')) as [number];
    return { code, stdout, stderr };
  }

  it('is told from one that is down: the error says how to log in', async () => {
    const refused = await command('tags', 'team/tool');
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toContain(`ocictl login ${registry.host}`);
    expect(refused.stderr).toMatch(/^registry: UNAUTHORIZED/m);
  });

  it('lets nobody store a password that it refuses', async () => {
    const { code, stdout, stderr } = await logIn('wrong');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(expectJson('error', stderr)).toMatchObject({ error: { code: 'UNAUTHORIZED' } });
    expect(stderr).not.toContain('wrong');
    await expect(readFile(join(work.path, 'docker/config.json'))).rejects.toThrow('ENOENT');
  });

  it('is logged in to, said to be stored in the clear, and logged out of', async () => {
    const done = await logIn(dockerRegistryCredential.password);
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^warning: the password stands unencrypted in .*config\.json/);
    expect(expectJson('login', done.stdout)).toMatchObject({
      registry: registry.host,
      stored_in: join(work.path, 'docker/config.json'),
      in_the_clear: true,
      verified: true,
    });
    expect(await command('exists', 'team/tool', '1.0.0')).toMatchObject({ exitCode: 3 });
    const out = await command('logout', '--format', 'json');
    expect(expectJson('logout', out.stdout)).toMatchObject({ remaining: { kind: 'anonymous' } });
    expect(await command('exists', 'team/tool', '1.0.0')).toMatchObject({ exitCode: 4 });
  });

  it('cannot be logged in to where nobody can be asked', async () => {
    const { exitCode, stderr } = await command('login');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--password-stdin');
  });
});
