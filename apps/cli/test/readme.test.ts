import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type TemporaryDirectory, compile, run, temporaryDirectory } from '@oci/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Block {
  readonly language: string;
  readonly code: string;
}

describe('the README, run literally and in order in one shell', () => {
  let work: TemporaryDirectory;
  let checkout: string;

  beforeAll(async () => {
    work = await temporaryDirectory('readme-');
    checkout = join(work.path, 'checkout');
    await copyCheckout(checkout);
    for (const name of ['bin', 'home', 'tmp']) await mkdir(join(work.path, name));
    await writeFile(join(work.path, 'bin/npx'), npx);
    await chmod(join(work.path, 'bin/npx'), 0o755);
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      ['commit', '-qm', 'clone'],
    ])
      await git(...args);
  });
  afterAll(() => work.remove());

  const git = (...args: readonly string[]) => {
    const name = ['-c', 'user.name=n', '-c', 'user.email=n@example.org'];
    return run('git', [...name, ...args], { cwd: checkout, env: environment(work.path) });
  };

  it('works in every block, and leaves the checkout as it was', async () => {
    const blocks = blocksOf(await readFile(join(root, 'README.md'), 'utf8'));
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['sh', 'ts']));
    const script = join(work.path, 'readme.sh');
    await writeFile(script, await scriptOf(blocks, work.path));
    const env = { ...environment(work.path), PORT: String(await freePort()) };
    const result = await run('bash', [script], { cwd: checkout, env });
    expect({ ...result, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(result.stdout).toContain('/kcl/provisioning-core/1.0.0/package.tar.gz');
    expect(result.stdout).toMatch(/in use\s+taskserv kubernetes 1\.28\.0\n/);
    expect(result.stdout).toContain('"success":true');
    // Nothing that the server logs stands between the results.
    expect(result.stdout).not.toContain('"level"');
    expect(await git('status', '--porcelain')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await run('ls', [join(work.path, 'tmp')])).toMatchObject({ stdout: '' });
  }, 120_000);
});

/** The files that the README names, built: the whole is built from these sources by its `build` line. */
async function copyCheckout(target: string): Promise<void> {
  await cp(join(root, 'examples/packages'), join(target, 'examples/packages'), { recursive: true });
  await cp(join(root, 'apps/cli/dist'), join(target, 'apps/cli/dist'), { recursive: true });
  const dist = join(target, 'apps/server/dist');
  await cp(join(root, 'apps/server/package.json'), join(dist, '../package.json'));
  const from = new URL('../../server/src/readme.ts', import.meta.url).href;
  await cp(
    await compile(`await import('./main.js');`, { from, directory: dist }),
    join(dist, 'main.js'),
  );
}

function blocksOf(text: string): readonly Block[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
}

/** One script of all blocks: it ends at the first command that fails, and takes the server with it. */
async function scriptOf(blocks: readonly Block[], directory: string): Promise<string> {
  const parts = [
    'set -eE',
    'trap \'echo "failed: $BASH_COMMAND" >&2\' ERR',
    "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT",
  ];
  for (const [at, { language, code }] of blocks.entries()) {
    if (language === 'sh') {
      parts.push(code);
      continue;
    }
    const place = join(directory, `block-${at}`);
    await mkdir(place);
    parts.push(`node ${await compile(code, { from: import.meta.url, directory: place })}`);
  }
  return parts.join('\n');
}

const npx = `#!/bin/sh
case "$*" in
  '--yes pnpm@10.34.9 quickstart' | '--yes pnpm@10.34.9 build') ;;
  *) echo "npx $* is not what builds the workspace" >&2; exit 1 ;;
esac
`;

/**
 * A home of its own, and an `npx` that knows the commands which build the workspace and nothing else: the tests run
 * behind a build, and a second one would replace files that others of them read.
 */
function environment(directory: string): Record<string, string> {
  return {
    PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: join(directory, 'home'),
    TMPDIR: join(directory, 'tmp'),
    CI: '',
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
