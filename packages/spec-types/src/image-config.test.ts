import { expect, test } from 'vitest';

import { documents } from '../test-vectors.js';
import { parseImageConfig } from './index.js';

test.each(documents('config', 'valid'))('$name is an image config', ({ bytes }) => {
  expect(parseImageConfig(bytes)).toEqual(JSON.parse(new TextDecoder().decode(bytes)));
});

test.each(documents('config', 'lenient'))('$name is read without what is null', ({ bytes }) => {
  const nulls = JSON.stringify(parseImageConfig(bytes)).match(/"\w+":null/g) ?? [];
  expect(nulls.filter((field) => field !== '"Healthcheck":null')).toEqual([]);
});

test.each(documents('config', 'invalid'))('$name is refused', ({ bytes }) => {
  expect(() => parseImageConfig(bytes)).toThrow(
    expect.objectContaining({ name: 'OciError', code: 'DOCUMENT_INVALID' }),
  );
});

test('a list of a million wrong entries ends with one finding', () => {
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } };
  const text = JSON.stringify(config).replace('[]', `[${'0,'.repeat(1_000_000)}0]`);
  expect(() => parseImageConfig(new TextEncoder().encode(text))).toThrow(/diff_ids\.0: [^;]*$/);
});
