import { afterEach, expect, test, vi } from 'vitest';

const examples = new URL('../../../examples/', import.meta.url);

/** Runs a program of `examples/`. @returns what it prints, a line each */
async function printedBy(path: string): Promise<readonly string[]> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
    lines.push(words.join(' '));
  });
  vi.spyOn(console, 'error').mockImplementation(() => {});
  await import(new URL(path, examples).href);
  return lines;
}

afterEach(() => vi.restoreAllMocks());

test('files go up, come down, and are described', async () => {
  expect(await printedBy('files/files.mjs')).toEqual([
    '{"name":"tool"}',
    'application/spdx+json sbom.json',
  ]);
});

test('an artifact goes by an archive from one registry to another', async () => {
  const printed = await printedBy('copy/copy.mjs');
  expect(printed.filter((line) => line.includes(' -> '))).toHaveLength(2);
});
