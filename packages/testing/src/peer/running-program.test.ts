import { expect, test } from 'vitest';

import { startProgram } from './running-program.js';

const node = (code: string) => startProgram(process.execPath, ['-e', code]);

test('a program that was killed is waited for, however long ago that was', async () => {
  const program = node(`process.stdout.write('up'); setInterval(() => {}, 1000)`);
  expect(await program.says('up')).toBe('up');
  program.kill();
  await program.end;
  expect(await program.end).toMatchObject({ exitCode: null, signal: 'SIGKILL', stdout: 'up' });
});

test('a program that ended by itself is not killed, and nothing more of it is waited for', async () => {
  const program = node(`console.error('why'); process.exitCode = 3`);
  expect(await program.end).toMatchObject({ exitCode: 3, stderr: 'why\n' });
  expect(() => program.kill()).toThrow('ended with 3: why');
  await expect(program.says('up')).rejects.toThrow('ended with 3: why');
});

test('a text is waited for as often as it is to come, over the pieces in which it does', async () => {
  const program = node(`
    const say = (...texts) => texts.length && (process.stdout.write(texts[0]), setImmediate(say, ...texts.slice(1)));
    say('a on', 'ce\\nb once\\n', 'c on', 'ce');`);
  expect(await program.says('once')).toBe('a once');
  expect(await program.says('once', 3)).toBe('c once');
  await program.end;
});

test('a program that is not there is told', async () => {
  await expect(startProgram('/nowhere/program', []).end).rejects.toThrow('ENOENT');
});
