import { readFile, rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';

import { inspectKclPackage } from '@oci/extensions';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { run } from '../run.js';
import { TextStream } from '../terminal.js';

/** What another process does before the package is looked into. */
let meanwhile: (path: string) => Promise<void>;
vi.mock('./pull-inspect.js', () => ({
  inspectPulled: async (...of: Parameters<typeof inspectKclPackage>) => {
    await meanwhile(of[0]);
    return isInspected ? inspectKclPackage(...of) : [];
  },
}));
let isInspected = true;

let registry: TestRegistry;
let work: TemporaryDirectory;
beforeEach(async () => {
  registry = await startRegistry();
  work = await temporaryDirectory('ocictl-pull-');
  registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
});
afterEach(async () => {
  await registry.close();
  await work.remove();
});

async function pull(...args: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exitCode = await run(['kcl', 'pull', 'core', '1.0.0', ...args], {
    stdin: new PassThrough(),
    stdout: new TextStream(stdout),
    stderr: new TextStream(stderr),
    env: { HOME: work.path, OCI_REGISTRY_URL: registry.url, OCI_CACHE_DIR: `${work.path}/cache` },
    signal: new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await buffer(stdout), stderr: await text(stderr) };
}

it.each([true, false])(
  'a package that is pruned before it is read is pulled again (inspected: %s)',
  async (inspected) => {
    isInspected = inspected;
    const paths: string[] = [];
    meanwhile = async (path) => {
      paths.push(path);
      if (paths.length === 1) await rm(path);
    };
    const { exitCode, stdout, stderr } = await pull('--output', '-');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout.equals(await readFile(paths[0] ?? ''))).toBe(true);
  },
);

it('a package that is pruned again and again is no defect', async () => {
  isInspected = true;
  meanwhile = (path) => rm(path);
  const { exitCode, stderr } = await pull();
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('STORAGE_FAILED');
  expect(stderr).toContain('Another process prunes the cache; try again');
  expect(stderr).not.toContain('defect');
});
