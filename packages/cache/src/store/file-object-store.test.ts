import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { compile, killAtOutput, run, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { ownProcess } from '@oci/files';
import { createFileObjectStore } from './file-object-store.js';

async function* body(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}

test('leaves nothing under the name when the process is killed in the middle', async () => {
  await using directory = await temporaryDirectory();
  const objects = join(directory.path, 'objects');
  const program = await compile(
    `import { createFileObjectStore } from './file-object-store.js';
     async function* endless() {
       for (let i = 0; ; i++) {
         yield new Uint8Array(100_000);
         if (i === 3) process.stdout.write('writing');
         if (i > 3) await new Promise(() => setInterval(() => {}, 1000));
       }
     }
     await createFileObjectStore(process.argv[2]).put('blobs/half', endless());`,
    { from: import.meta.url, directory: directory.path },
  );
  await killAtOutput(process.execPath, [program, objects]);

  const store = createFileObjectStore(objects);
  expect(await store.head('blobs/half')).toBeUndefined();
  expect(await readdir(join(objects, '.tmp'))).toHaveLength(1);
  expect(await store.put('blobs/half', body('whole'))).toMatchObject({ size: 5 });
});

test('removes what a killed process left, once it is old, and not what a running one writes', async () => {
  await using directory = await temporaryDirectory();
  const temporary = join(directory.path, '.tmp');
  await mkdir(temporary);
  const gone = (await run(process.execPath, ['-p', 'process.pid'])).stdout.trim();
  const dead = ownProcess.replace(/^\d+/, gone);
  const hour = new Date(Date.now() - 3_600_000);
  const twoDays = new Date(Date.now() - 48 * 3_600_000);
  for (const [name, date] of [
    [`${dead}-old`, hour],
    [`${dead}-young`, new Date()],
    [`${ownProcess}-old`, hour],
    [`${ownProcess}-ancient`, twoDays],
    ['no-identity', hour],
  ] as const) {
    await writeFile(join(temporary, name), '');
    await utimes(join(temporary, name), date, date);
  }
  await createFileObjectStore(directory.path).put('a', body('x'));
  expect((await readdir(temporary)).sort()).toEqual(
    [`${ownProcess}-old`, `${dead}-young`, 'no-identity'].sort(),
  );
});

test('keeps an object as it was for who reads it while it is replaced', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path);
  await store.put('key', body('before'));
  const before = await store.get('key');
  await store.put('key', body('after, and longer'));
  let text = '';
  for await (const chunk of before?.body ?? []) text += Buffer.from(chunk).toString();
  expect([text, before?.info.size]).toEqual(['before', 6]);
});

test('does not take a directory for an object', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path);
  await store.put('a/b', body('x'));
  expect(await store.head('a')).toBeUndefined();
  expect(await store.get('a')).toBeUndefined();
  await expect(store.put('a', body('y'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  await expect(store.put('a/b/c', body('y'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
});

test('lists neither temporary files nor links to elsewhere', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path);
  await store.put('a', body('x'));
  await symlink('/etc', join(directory.path, 'elsewhere'));
  const keys: string[] = [];
  for await (const key of store.list('')) keys.push(key);
  expect(keys).toEqual(['a']);
});

test('says which path a file system refuses, and what to do', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'file'), '');
  const store = createFileObjectStore(join(directory.path, 'file', 'below'));
  await expect(store.put('a', body('x'))).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining(join(directory.path, 'file', 'below')),
  });
});

test('gives each of several who read an object side by side the bytes of its own range', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path);
  const bytes = Buffer.alloc(1_500_000).map((_, at) => (at * 7) >> 8);
  const whole = async function* () {
    yield bytes;
  };
  await store.put('key', whole());
  const firsts = [0, 0, 1, 70_000, 262_144, 300_001, 1_499_999];
  const parts = await Promise.all(
    firsts.map(async (first) => {
      const object = await store.get('key', { range: { first, last: 1_499_999 } });
      const chunks: Uint8Array[] = [];
      for await (const chunk of object?.body ?? []) chunks.push(chunk);
      return Buffer.concat(chunks).equals(bytes.subarray(first));
    }),
  );
  expect(parts).toEqual(firsts.map(() => true));
});
