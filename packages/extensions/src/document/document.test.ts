import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { parseKclLock } from '../kcl/kcl-lock.js';
import { parseKclMod } from '../kcl/kcl-mod.js';
import { readMetadata } from '../validate/metadata.js';
import { maxDocumentBytes, readDocument } from './document-text.js';
import { parseToml } from './toml.js';
import { parseYamlTable } from './yaml.js';

const tooLarge = { code: 'LIMIT_EXCEEDED', hint: expect.any(String) };

/** Text of at least so many bytes, line by line. */
function repeated(line: (at: number) => string, bytes: number): string {
  const lines: string[] = [];
  for (let size = 0; size < bytes; size += lines.at(-1)?.length ?? 1)
    lines.push(line(lines.length));
  return lines.join('');
}

test('a TOML document beyond the limit is not parsed', () => {
  const text = repeated((at) => `a${at}.b.c.d.e = 1\n`, maxDocumentBytes + 1);
  expect(() => parseToml(text, 'a.toml')).toThrow(expect.objectContaining(tooLarge));
  expect(() => parseKclMod(text)).toThrow(expect.objectContaining(tooLarge));
  expect(() => parseKclLock(text)).toThrow(expect.objectContaining(tooLarge));
});

test('nesting is bounded', () => {
  for (const text of [`a = ${'['.repeat(100_000)}`, `a = ${'{a='.repeat(50_000)}`])
    expect(() => parseToml(text, 'a.toml')).toThrow(
      expect.objectContaining({ code: 'EXTENSION_INVALID' }),
    );
});

test.each<[string, (at: number) => string]>([
  ['keys', (at) => `${at.toString(36)}:\n`],
  ['a flow', (at) => (at === 0 ? '[' : 'a,')],
  ['nested lists', () => '['],
  ['nested mappings', () => '{a: '],
  ['nested items', () => '- '],
  ['anchors', (at) => `- &a${at} x\n`],
  ['tags', () => '!a '],
  ['directives', () => '%a\n'],
  ['questions', () => '? a\n'],
])('YAML that is costly to parse for its size is refused unparsed: %s', async (_, line) => {
  const text = repeated(line, 100_000);
  await expect(parseYamlTable(text, 'a.yaml')).rejects.toMatchObject(tooLarge);
});

test('a YAML document beyond the limit is not parsed', async () => {
  const text = `a: ${'b'.repeat(maxDocumentBytes)}`;
  await expect(parseYamlTable(text, 'a.yaml')).rejects.toMatchObject(tooLarge);
});

test('a YAML document of a thousand lines is read', async () => {
  const text = repeated((at) => `key${String(at).padStart(4, '0')}: text, and more\n`, 26_000);
  expect(Object.keys(await parseYamlTable(text, 'a.yaml')).length).toBeGreaterThan(900);
});

test('the entries of a table are counted', async () => {
  const many = repeated((at) => `d${at} = "1"\n`, 4000);
  const mod = '[package]\nname = "a"\nversion = "1.0.0"\n';
  expect(() => parseKclMod(`${mod}[dependencies]\n${many}`)).toThrow(
    expect.objectContaining(tooLarge),
  );
  const patterns = `include = [${'"a",'.repeat(300)}]\n`;
  expect(() => parseKclMod(`${mod}${patterns}`)).toThrow(expect.objectContaining(tooLarge));
  expect(() => parseKclMod(`${mod}exclude = ["${'*'.repeat(2000)}"]\n`)).toThrow(
    expect.objectContaining(tooLarge),
  );
  for (const table of ['compatibility', 'dependencies'])
    await expect(
      readMetadata((file) => (file === 'extension.toml' ? `[${table}]\n${many}` : undefined)),
    ).rejects.toMatchObject(tooLarge);
});

test('a file is read up to the limit, whatever its size', async () => {
  await using work = await temporaryDirectory();
  const path = join(work.path, 'a.toml');
  await writeFile(path, 'a'.repeat(maxDocumentBytes));
  expect((await readDocument(path, 'a.toml')).length).toBe(maxDocumentBytes);
  await writeFile(path, 'a'.repeat(maxDocumentBytes + 1));
  await expect(readDocument(path, 'a.toml')).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'a.toml has more than 262144 bytes',
  });
});
