import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run, temporaryDirectory } from '@oci/testing';
import { expect, onTestFinished, test } from 'vitest';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const resolve = createRequire(import.meta.url).resolve;

/** The programs of a page: blocks that import something. */
async function programsOf(page: string): Promise<readonly string[]> {
  const text = await readFile(join(packageRoot, page), 'utf8');
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);
  return blocks.filter((code) => code.startsWith('import '));
}

function hasTypes(program: string): boolean {
  return /^import type |\w<\w+|: string\b| as const/m.test(program);
}

/** A project that has installed this package alone, where nothing else can be imported (pnpm's strict layout). */
async function projectOf(programs: readonly string[]): Promise<string> {
  const directory = await temporaryDirectory();
  onTestFinished(directory.remove);
  const { path } = directory;
  const modules = join(path, 'node_modules');
  await mkdir(join(modules, '@oci'), { recursive: true });
  await mkdir(join(modules, '@types'));
  await symlink(packageRoot, join(modules, '@oci', 'client'));
  await symlink(dirname(resolve('@types/node/package.json')), join(modules, '@types', 'node'));
  const compilerOptions = {
    module: 'NodeNext',
    target: 'ES2023',
    lib: ['ES2023'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    customConditions: ['@oci/source'],
  };
  await writeFile(join(path, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  for (const [at, code] of programs.entries()) await writeFile(join(path, `${at}.ts`), code);
  return path;
}

test('what the README shows is JavaScript for Node 20 where it has no types', async () => {
  const pages = ['README.md', '../extensions/README.md', '../../docs/copy.md'];
  const programs = (await Promise.all(pages.map(programsOf))).flat();
  const { path, remove } = await temporaryDirectory();
  onTestFinished(remove);
  const untyped = programs.filter((program) => !hasTypes(program));
  expect(untyped.length).toBeGreaterThan(6);
  for (const code of untyped) {
    const file = join(path, 'program.mjs');
    await writeFile(file, code);
    const { exitCode, stderr } = await run(process.execPath, ['--check', file]);
    expect({ code, exitCode, stderr }).toEqual({ code, exitCode: 0, stderr: '' });
    // Later releases of Node know it, too.
    expect(code).not.toContain('await using');
  }
});

test('what the README shows compiles where only this package is installed', async () => {
  const programs = await programsOf('README.md');
  expect(programs.length).toBeGreaterThan(3);
  const project = await projectOf([...programs, `import '@oci/spec-types';\n`]);
  const tsc = join(dirname(resolve('typescript/package.json')), 'bin', 'tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', project]);
  const found = stdout.split('\n').filter((line) => line !== '');
  expect(found).toEqual([
    expect.stringMatching(new RegExp(`^.*${programs.length}\\.ts.*TS2(?:307|882)`)),
  ]);
});
