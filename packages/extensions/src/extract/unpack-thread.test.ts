import { readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { compile, gzip, randomBytes, run, tar, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

/** Writes a program with the thread's file beside it, as the built package has it. */
async function programWithThread(directory: string): Promise<string> {
  const options = { from: import.meta.url, directory };
  const thread = await compile(`export const thread = await import('./worker.js');`, options);
  await rename(thread, join(directory, 'extract-worker.js'));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  return compile(
    `import fs from 'node:fs';
     import { extractArchive } from './extract.js';
     const [archive, destination, abortAfter] = process.argv.slice(2);
     const controller = new AbortController();
     // Only the thread writes files, so this one must not be seen to.
     fs.writeSync = () => { throw new Error('written by the main thread'); };
     if (abortAfter) setTimeout(() => controller.abort(), Number(abortAfter));
     let ticks = 0;
     setInterval(() => { ticks += 1; }, 1).unref();
     try {
       const { files } = await extractArchive(archive, destination, { signal: controller.signal });
       process.stdout.write(JSON.stringify({ files, ticked: ticks > 0 }));
     } catch (error) {
       process.stdout.write(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }));
     }`,
    options,
  );
}

test('unpacks in a thread, while this one goes on', async () => {
  await using work = await temporaryDirectory();
  const program = await programWithThread(work.path);
  const archive = join(work.path, 'archive');
  const run_sh = { path: 'bin/run.sh', content: '#!/bin/sh\n', mode: 0o755 };
  await writeFile(archive, gzip(tar([run_sh, { path: 'a', content: randomBytes(1, 3_000_000) }])));
  const destination = join(work.path, 'tree');
  const { stdout } = await run(process.execPath, [program, archive, destination]);
  expect(JSON.parse(stdout)).toEqual({ files: 2, ticked: true });
  expect((await readFile(join(destination, 'a'))).equals(randomBytes(1, 3_000_000))).toBe(true);
  expect((await stat(join(destination, 'bin', 'run.sh'))).mode & 0o777).toBe(0o755);
});

test('tells the failures of the thread as its own', async () => {
  await using work = await temporaryDirectory();
  const program = await programWithThread(work.path);
  const archive = join(work.path, 'archive');
  await writeFile(archive, tarOfFiles({ '../escaped': '' }));
  const { stdout } = await run(process.execPath, [program, archive, join(work.path, 'tree')]);
  expect(JSON.parse(stdout)).toEqual({
    code: 'ARCHIVE_UNSAFE',
    message: expect.stringContaining('(rule parent-path)'),
    hint: expect.any(String),
  });
});

test('ends the thread when the signal fires, and leaves nothing', async () => {
  await using work = await temporaryDirectory();
  const program = await programWithThread(work.path);
  const archive = join(work.path, 'archive');
  const files = Array.from({ length: 3_000 }, (_, at) => ({ path: `d/${at}`, content: 'x' }));
  await writeFile(archive, gzip(tar(files), 1));
  const { stdout } = await run(process.execPath, [program, archive, join(work.path, 'tree'), '1']);
  expect(JSON.parse(stdout)).toMatchObject({ code: 'ABORTED' });
  const left = await readdir(work.path);
  expect(left.filter((name) => name === 'tree' || name.startsWith('.extract'))).toEqual([]);
});
