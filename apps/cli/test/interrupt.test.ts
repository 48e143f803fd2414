import { spawnSync } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  type ProgramEnd,
  type RunningProgram,
  guideArtifact,
  randomBytes,
  startProgram,
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

interface Surroundings {
  /** Before the rest of `PATH`. */
  readonly path?: string;
  /** A program that runs it, with its arguments. */
  readonly by?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads. */
  readonly input?: string;
}

function start(
  args: readonly string[],
  { path, by = [], env: more, input }: Surroundings = {},
): RunningProgram {
  const { program, env } = ocictlProgram(work.path, registry.url);
  const [file = '', ...rest] = [...by, process.execPath, program, ...args];
  const PATH = path === undefined ? env['PATH'] : `${path}:${env['PATH']}`;
  return startProgram(file, rest, { env: { ...env, PATH, ...more }, input });
}

/** What a shell shows as `$?`. */
function codeOf({ exitCode, signal }: ProgramEnd): number | null {
  return signal === 'SIGINT' ? 128 + 2 : exitCode;
}

/** A configuration file that never comes, as from a disk of the network that hangs. @returns the options */
async function hangingDisk(): Promise<{ args: readonly string[]; env: Record<string, string> }> {
  const hook = join(work.path, 'hook.cjs');
  await writeFile(
    hook,
    `const files = require('node:fs');
     const { createReadStream } = files;
     const { PassThrough } = require('node:stream');
     files.createReadStream = (path, ...rest) => {
       if (!String(path).endsWith('config.toml')) return createReadStream(path, ...rest);
       process.stderr.write('process ' + process.pid + ' reads\\n');
       setInterval(() => {}, 1000);
       return new PassThrough();
     };`,
  );
  const env = { NODE_OPTIONS: `--require ${hook}` };
  return { args: ['--config', join(work.path, 'config.toml'), 'tags', 'kcl/core'], env };
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
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.end;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(stderr).toContain('Run the same command again');
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

describe('the first interrupt', () => {
  it.each([
    ['that stores', 'store', ['login', '-u', 'tester', '--password-stdin']],
    ['that is asked', 'get', ['tags', 'kcl/core']],
  ])('ends a credential helper %s, and does not wait for it', async (_, action, args) => {
    const bin = join(work.path, 'bin');
    const pid = join(work.path, 'pid');
    await mkdir(bin);
    await mkdir(join(work.path, 'docker'));
    await writeFile(join(work.path, 'docker/config.json'), '{"credsStore":"hangs"}');
    const helper = `#!/bin/sh\ntrap '' INT\n[ $1 = ${action} ] && echo $$ > ${pid}.new && mv ${pid}.new ${pid}\nexec sleep 60\n`;
    await writeFile(join(bin, 'docker-credential-hangs'), helper, { mode: 0o755 });
    if (action === 'get') {
      await registry.close();
      registry = await startRegistry({
        auth: { basic: { username: 'tester', password: 'secret' } },
      });
    }

    const running = start(args, { path: bin, input: 'secret\n' });
    const helperPid = Number(await vi.waitFor(() => readFile(pid, 'utf8'), { timeout: 10_000 }));
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.end;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('interrupted');
    await vi.waitFor(() => expect(() => process.kill(helperPid, 0)).toThrow('ESRCH'), {
      timeout: 10_000,
    });
  });
});

describe('the second interrupt', () => {
  it('ends at once what hangs after the first, which says so', async () => {
    const { args, env } = await hangingDisk();
    const running = start(args, { env });
    await running.says('reads');
    running.kill('SIGINT');
    await running.says('interrupt again to end at once');
    running.kill('SIGINT');
    expect(codeOf(await running.end)).toBe(130);
  });

  const asFirst = ['unshare', '--pid', '--fork', '--mount-proc'];
  const [unshare = '', ...flags] = asFirst;
  const isAllowed = spawnSync(unshare, [...flags, 'true']).status === 0;

  it.skipIf(!isAllowed)('ends it also as the first process of a container', async () => {
    const { args, env } = await hangingDisk();
    const running = start(args, { env, by: asFirst });
    await running.says('process 1 reads');
    // `unshare` has one child, which is process 1 of its own namespace.
    const children = `/proc/${running.process.pid}/task/${running.process.pid}/children`;
    const first = Number(await readFile(children, 'utf8'));
    process.kill(first, 'SIGINT');
    await running.says('interrupt again to end at once');
    process.kill(first, 'SIGINT');
    expect(codeOf(await running.end)).toBe(130);
  });
});
