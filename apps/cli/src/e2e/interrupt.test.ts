import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  guideArtifact,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ocictl, ocictlProgram } from './ocictl.js';

let registry: TestRegistry;
let work: TemporaryDirectory;

beforeEach(async () => {
  registry = await startRegistry();
  work = await temporaryDirectory('ocictl-interrupt-');
});
afterEach(async () => {
  await registry.close();
  await work.remove();
});

interface Running {
  readonly child: ChildProcess;
  /** Settles when stderr says this. */
  says(text: string): Promise<void>;
  /** What a shell would show as `$?`, and all of stderr. */
  readonly end: Promise<{ exitCode: number; stderr: string }>;
}

function start(args: readonly string[], path?: string): Running {
  const { program, env } = ocictlProgram(work.path, registry.url);
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...env, ...(path !== undefined && { PATH: `${path}:${env['PATH']}` }) },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const end = once(child, 'close').then(([code, signal]) => ({
    exitCode: signal === 'SIGINT' ? 128 + 2 : Number(code),
    stderr,
  }));
  const says = async (text: string): Promise<void> => {
    while (!stderr.includes(text)) await once(child.stderr, 'data');
  };
  return { child, says, end };
}

describe('the first interrupt', () => {
  it('stops cleanly, keeps what has arrived in the cache, and says how to go on', async () => {
    const artifact = guideArtifact({
      version: '1.0.0',
      files: { big: randomBytes(1, 3 * 1024 * 1024) },
    });
    registry.putArtifact('provisioning-extensions/taskserv/big', '1.0.0', artifact);
    const digest = artifact.blobs[1]?.descriptor.digest;
    const blob = { path: `/blobs/${digest}` };
    const pause = { afterBytes: 2_000_000, until: new Promise<never>(() => {}) };
    registry.fault({ ...blob, times: 1, pause });
    const pull = ['extension', 'pull', 'taskserv', 'big', '1.0.0'] as const;
    const running = start(['--progress', 'json', ...pull]);
    await running.says(`"type":"bytes","digest":"${digest}"`);
    running.child.kill('SIGINT');
    const { exitCode, stderr } = await running.end;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(stderr).toContain('run the same command again to go on');
    expect(await readdir(join(work.path, 'cache/partial'))).not.toEqual([]);

    registry.clearRequests();
    const again = await ocictl(work.path, registry.url)(...pull);
    expect(again).toMatchObject({ exitCode: 0 });
    const gets = registry.requests.filter(({ path }) => path.includes(blob.path));
    expect(gets.map(({ headers }) => headers.range)).toEqual([
      expect.stringMatching(/^bytes=[1-9]/),
    ]);
  });
});

describe('the second interrupt', () => {
  it('ends at once what hangs after the first, which says so', async () => {
    const bin = join(work.path, 'bin');
    const pid = join(work.path, 'pid');
    await mkdir(bin);
    await mkdir(join(work.path, 'docker'));
    await writeFile(join(work.path, 'docker/config.json'), '{"credsStore":"hangs"}');
    // What is being stored is not broken off, so a helper that never ends hangs the command.
    const helper = `#!/bin/sh\ntrap '' INT\necho $$ > ${pid}.new && mv ${pid}.new ${pid}\nexec sleep 60\n`;
    await writeFile(join(bin, 'docker-credential-hangs'), helper, { mode: 0o755 });

    const running = start(['login', '-u', 'tester', '--password-stdin'], bin);
    running.child.stdin?.end('secret\n');
    const helperPid = Number(await vi.waitFor(() => readFile(pid, 'utf8'), { timeout: 10_000 }));
    try {
      running.child.kill('SIGINT');
      await running.says('interrupt again to end at once');
      running.child.kill('SIGINT');
      expect(await running.end).toMatchObject({ exitCode: 130 });
      // It did not wait for the helper.
      expect(process.kill(helperPid, 0)).toBe(true);
    } finally {
      process.kill(helperPid, 'SIGKILL');
    }
  });
});
