import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { tokenFile } from './token-file.js';

let home: TemporaryDirectory;
let path: string;
beforeEach(async () => {
  home = await temporaryDirectory();
  path = join(home.path, 'cache', 'tokens.json');
});
afterEach(() => home.remove());

const mine = { purpose: 'pull a', identity: 'me:password' };
const later = () => Date.now() + 60_000;

test('a token is there for the next process, and for its owner only', async () => {
  const token = { value: 'secret-token', expiresAt: later() };
  await tokenFile(path).put(mine, token);
  expect(await tokenFile(path).get(mine)).toEqual(token);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(home.path, 'cache'))).toEqual(['tokens.json']);
});

test('nothing in the file is of use without the credential', async () => {
  await tokenFile(path).put(mine, { value: 'secret-token', expiresAt: later() });
  const text = await readFile(path, 'utf8');
  for (const secret of ['secret-token', 'me', 'password', 'pull'])
    expect(text).not.toContain(secret);
  // Also not when an entry is put under another identity's name.
  const [name = ''] = Object.keys((JSON.parse(text) as { tokens: object }).tokens);
  const other = { ...mine, identity: 'other:password' };
  await tokenFile(path).put(other, { value: 'other-token', expiresAt: later() });
  const both = JSON.parse(await readFile(path, 'utf8')) as { tokens: Record<string, unknown> };
  const otherName = Object.keys(both.tokens).find((key) => key !== name) ?? '';
  await writeFile(path, JSON.stringify({ ...both, tokens: { [otherName]: both.tokens[name] } }));
  expect(await tokenFile(path).get(other)).toBeUndefined();
});

test.each([
  { ...mine, identity: 'me:other' },
  { ...mine, identity: 'anonymous' },
  { ...mine, purpose: 'pull b' },
])('a token is not given for %j', async (other) => {
  await tokenFile(path).put(mine, { value: 'x', expiresAt: later() });
  expect(await tokenFile(path).get(other)).toBeUndefined();
});

test('an old token is not given, and leaves the file', async () => {
  await tokenFile(path).put(mine, { value: 'x', expiresAt: Date.now() - 1 });
  expect(await tokenFile(path).get(mine)).toBeUndefined();
  await tokenFile(path).put({ ...mine, purpose: 'b' }, { value: 'x', expiresAt: later() });
  expect(
    Object.keys((JSON.parse(await readFile(path, 'utf8')) as { tokens: object }).tokens),
  ).toHaveLength(1);
});

test.each([
  '',
  '{',
  'null',
  '[]',
  '{"version":2,"tokens":{}}',
  '{"version":1,"tokens":{"a":null}}',
])('a file with %j is as good as none', async (text) => {
  await tokenFile(path).put(mine, { value: 'x', expiresAt: later() });
  await writeFile(path, text);
  expect(await tokenFile(path).get(mine)).toBeUndefined();
  await tokenFile(path).put(mine, { value: 'y', expiresAt: later() });
  expect(await tokenFile(path).get(mine)).toMatchObject({ value: 'y' });
});

test('a file that others may write is not believed', async () => {
  await tokenFile(path).put(mine, { value: 'x', expiresAt: later() });
  await chmod(path, 0o622);
  expect(await tokenFile(path).get(mine)).toBeUndefined();
});

test('keeps two hundred tokens, those that last longest', async () => {
  const store = tokenFile(path);
  for (let i = 0; i < 205; i += 1) {
    await store.put({ ...mine, purpose: `${i}` }, { value: 'x', expiresAt: later() + i });
  }
  const { tokens } = JSON.parse(await readFile(path, 'utf8')) as { tokens: object };
  expect(Object.keys(tokens)).toHaveLength(200);
  expect(await store.get({ ...mine, purpose: '0' })).toBeUndefined();
});

test('a place that can not be written is no failure', async () => {
  const below = join(home.path, 'file', 'tokens.json');
  await writeFile(join(home.path, 'file'), '');
  await tokenFile(below).put(mine, { value: 'x', expiresAt: later() });
  expect(await tokenFile(below).get(mine)).toBeUndefined();
});
