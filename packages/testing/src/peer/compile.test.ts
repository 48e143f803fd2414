import { expect, test } from 'vitest';

import { temporaryDirectory } from '../temporary-directory.js';
import { compile } from './compile.js';
import { killAtOutput, run } from './run.js';

test('makes a program that imports what the test could import', async () => {
  await using directory = await temporaryDirectory();
  const code = `
    import { digestOf } from '@oci/spec-types/node';
    import { textOf } from '../bytes.js';
    const text: string = textOf(new TextEncoder().encode(process.argv[2]));
    console.log(text, digestOf(new Uint8Array()).slice(0, 14));
  `;
  const program = await compile(code, { from: import.meta.url, directory: directory.path });
  expect(await run(process.execPath, [program, 'hello'])).toEqual({
    exitCode: 0,
    stdout: 'hello sha256:e3b0c44\n',
    stderr: '',
  });
});

test('says where a program is wrong', async () => {
  await using directory = await temporaryDirectory();
  const wrong = compile('const = 1', { from: import.meta.url, directory: directory.path });
  await expect(wrong).rejects.toThrow('program-of-a-test.ts:1:7');
});

test('kills a program when it speaks, and says when it was too late', async () => {
  await using directory = await temporaryDirectory();
  const options = { from: import.meta.url, directory: directory.path };
  const waiting = await compile(`console.log('x'); setInterval(() => {}, 1000);`, options);
  await killAtOutput(process.execPath, [waiting]);
  const silent = await compile('process.exit(3);', options);
  await expect(killAtOutput(process.execPath, [silent])).rejects.toThrow('ended by itself with 3');
});
