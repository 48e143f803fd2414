import { readdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { ocictl } from '../program.js';
import type { Terminal } from '../terminal.js';
import { TextStream } from '../terminal.js';
import { reference } from './reference.js';
import { topics } from './topics.js';

const docs = new URL('../../../../docs/', import.meta.url).pathname;
const terminal: Terminal = {
  stdin: new PassThrough(),
  stdout: new TextStream(new PassThrough()),
  stderr: new TextStream(new PassThrough()),
  env: {},
  signal: new AbortController().signal,
};

describe('docs/ocictl.md', () => {
  it('says what --help says: vitest -u writes it anew', async () => {
    await expect(reference(ocictl, terminal)).toMatchFileSnapshot(`${docs}ocictl.md`);
  });
});

describe('docs/json', () => {
  it('describes the result of every command, and nothing else', () => {
    const described = readdirSync(`${docs}json/v1`).map((name) => name.replace('.schema.json', ''));
    const printed = ocictl.commands.flatMap(({ json }) => json ?? []);
    expect(new Set(described)).toEqual(new Set([...printed, 'error', 'progress']));
  });
});

describe('a topic', () => {
  it.each(topics)('$name fits 80 columns', (topic) => {
    for (const line of topic.text({ program: ocictl, terminal }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(80);
  });
});
