import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  type TemporaryDirectory,
  type TestRegistry,
  guideArtifact,
  kclPackage,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ocictlProgram } from './ocictl.js';

/** What a run has loaded: our files with their bytes, and the modules of Node. */
interface Loaded {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly builtins: readonly string[];
}

describe('what is loaded', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;

  beforeAll(async () => {
    registry = await startRegistry();
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    const extension = guideArtifact({
      version: '1.0.0',
      files: { 'extension.toml': '[extension]\nname = "web"\nversion = "1.0.0"\n' },
    });
    registry.putArtifact('provisioning-extensions/taskserv/web', '1.0.0', extension);
    registry.putArtifact('provisioning-extensions/taskserv/pulled', '1.0.0', extension);
    work = await temporaryDirectory('ocictl-start-up-');
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });

  async function loadedBy(...args: readonly string[]): Promise<Loaded> {
    const { program, env } = ocictlProgram(work.path, registry.url);
    const coverage = await temporaryDirectory('ocictl-coverage-');
    try {
      const preload = join(coverage.path, 'preload.cjs');
      const list = join(coverage.path, 'builtins');
      await writeFile(
        preload,
        `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, process.moduleLoadList.join('\\n')));`,
      );
      const { exitCode } = await run(process.execPath, ['--require', preload, program, ...args], {
        env: { ...env, NODE_V8_COVERAGE: join(coverage.path, 'scripts') },
      });
      expect(exitCode).toBe(0);
      const files = await scripts(join(coverage.path, 'scripts'));
      const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
      return {
        files: files.map((file) => basename(file)),
        bytes: sizes.reduce((sum, size) => sum + size, 0),
        builtins: (await readFile(list, 'utf8'))
          .split('\n')
          .map((line) => line.replace('NativeModule ', '')),
      };
    } finally {
      await coverage.remove();
    }
  }

  it('finds the worker of large downloads beside it', async () => {
    const built = await readdir(fileURLToPath(new URL('../dist', import.meta.url)));
    expect(built).toContain('download-worker.js');
  });

  it('for the version is the version', async () => {
    const { files, bytes } = await loadedBy('--version');
    expect(files).toHaveLength(2);
    expect(bytes).toBeLessThan(2000);
  });

  it('for an install is no thread, which takes longer to start than most archives to unpack', async () => {
    const { builtins } = await loadedBy('extension', 'install', 'taskserv', 'web', '1.0.0');
    expect(builtins).toContain('zlib');
    expect(builtins).not.toContain('worker_threads');
  });

  it.each([
    ['kcl', 'pull', 'core', '1.0.0'],
    ['extension', 'pull', 'taskserv', 'pulled', '1.0.0'],
  ])('for a %s in the cache is one file of the commands, and no HTTP', async (...args) => {
    const first = await loadedBy(...args);
    expect(first.files.some((file) => file.startsWith('http-'))).toBe(true);
    const hit = await loadedBy(...args);
    expect(hit.files.filter((file) => file.startsWith('http-'))).toEqual([]);
    // Those beside it lead to what is in it.
    expect(hit.files.length).toBeLessThanOrEqual(6);
    expect(hit.bytes).toBeLessThan(245_000);
    for (const absent of ['dns', 'http', 'tls', 'worker_threads', 'zlib'])
      expect(hit.builtins).not.toContain(absent);
  });
});

/** Our scripts that V8 has seen, by its report of what was covered. */
async function scripts(directory: string): Promise<readonly string[]> {
  const [report = ''] = await readdir(directory);
  const { result } = JSON.parse(await readFile(join(directory, report), 'utf8')) as {
    result: readonly { url: string }[];
  };
  const urls = result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  return urls.map((url) => fileURLToPath(url)).filter((path) => path.includes('/dist/'));
}
