import { spawnSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { ocictl } from '../program.js';
import { completionScripts } from './scripts.js';
import { wanted } from './words.js';

function words(...line: readonly string[]): readonly string[] {
  const found = wanted(line, ocictl);
  return found.kind === 'words' ? found.words : [`<${found.of}>`];
}

describe('completion', () => {
  it('offers commands, then their subcommands', () => {
    expect(words('')).toEqual(expect.arrayContaining(['kcl', 'extension', 'tags', 'login']));
    expect(words('')).not.toContain('__complete');
    expect(words('kcl', '')).toEqual(expect.arrayContaining(['pull', 'push']));
  });

  it.each([
    [['kcl', 'pull', ''], '<kcl-name>'],
    [['kcl', 'pull', 'core', ''], '<version>'],
    [['--registry', 'localhost:5000', 'kcl', 'pull', ''], '<kcl-name>'],
    [['-q', 'extension', 'pull', 'taskserv', ''], '<extension-name>'],
    [['pull', 'x', '-o', ''], '<directory>'],
    [['push', 'x', 'a', 'b', ''], '<file>'],
    [['tags', ''], '<repository>'],
    [['list', '--namespace', ''], '<namespace>'],
  ])('knows what %j wants', (line, expected) => {
    expect(words(...line)).toEqual([expected]);
  });

  it('offers the options of the command and those of all', () => {
    const options = words('pull', 'x', '--');
    expect(options).toEqual(expect.arrayContaining(['--output', '--format', '--help']));
    expect(options).not.toContain('--layer');
  });

  it('offers the choices of an option, and nothing behind the last argument', () => {
    expect(words('list', '--format', '')).toEqual(['text', 'json']);
    expect(words('kcl', 'pull', 'core', '1.0.0', '')).toEqual([]);
  });

  it('gives what was said before to what depends on it', () => {
    expect(wanted(['extension', 'pull', 'taskserv', 'kubernetes', ''], ocictl)).toMatchObject({
      of: 'version',
      given: { type: 'taskserv', name: 'kubernetes' },
    });
  });

  it('is a script that bash reads', () => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: completionScripts.bash });
    expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
  });
});
