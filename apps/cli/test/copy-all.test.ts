import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  image,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

let registry: TestRegistry;
let work: TemporaryDirectory;
let command: Ocictl;
beforeEach(async () => {
  registry = await startRegistry();
  work = await temporaryDirectory();
  command = ocictl(join(work.path, 'home'), registry.url);
  for (const tag of ['1.0.0', '1.1.0', 'latest']) registry.putArtifact('team/app', tag, image());
});
afterEach(async () => {
  await registry.close();
  await work.remove();
});

async function outcomes(...args: string[]): Promise<readonly unknown[]> {
  const { stdout } = await command('copy', ...args, '--format', 'json');
  const { tags } = expectJson('copy', stdout) as { tags: { tag: string; outcome: string }[] };
  // A layout lists tags in the order in which they came, several at once.
  tags.sort((a, b) => a.tag.localeCompare(b.tag));
  return tags.map(({ tag, outcome }) => [tag, outcome]);
}

test('a repository goes to another and to a layout, and a second time moves nothing', async () => {
  const layout = `oci:${join(work.path, 'layout')}`;
  expect(await outcomes('team/app', layout, '--all-tags')).toEqual([
    ['1.0.0', 'copied'],
    ['1.1.0', 'copied'],
    ['latest', 'copied'],
  ]);
  expect(await outcomes(layout, 'team/copy', '--tags', '1.*')).toEqual([
    ['1.0.0', 'copied'],
    ['1.1.0', 'copied'],
  ]);
  expect(await outcomes('team/app', 'team/copy', '--all-tags')).toEqual([
    ['1.0.0', 'unchanged'],
    ['1.1.0', 'unchanged'],
    ['latest', 'copied'],
  ]);
});

test('a tag that fails is named, and decides the exit code', async () => {
  registry.fault({ path: /team\/app\/manifests\/1\.1\.0$/, status: 404 });
  const copied = await command('copy', 'team/app', 'team/copy', '--all-tags');
  expect(copied).toMatchObject({
    exitCode: 3,
    stdout: expect.stringMatching(/copied +1\.0\.0, latest\n.*failed +1\.1\.0/s) as string,
    stderr: expect.stringContaining('1.1.0 was not copied') as string,
  });
});

test('a name of one artifact is no repository', async () => {
  for (const source of ['team/app:1.0.0', `oci:${join(work.path, 'layout')}:1.0.0`])
    expect(await command('copy', source, 'team/copy', '--all-tags')).toMatchObject({ exitCode: 2 });
});

test('a program is told of each tag as it ends', async () => {
  const args = ['copy', 'team/app', 'team/copy', '--all-tags', '--progress'];
  const { stderr } = await command(...args, 'json');
  const events = stderr
    .trim()
    .split('\n')
    .map((line) => expectJson('progress', line));
  const tags = events.filter((event) => Object(event).type === 'tag');
  expect(tags).toHaveLength(3);
  expect(tags.at(-1)).toMatchObject({ outcome: 'copied', done: 3, total: 3 });
  const again = await command(...args, 'plain');
  expect(again.stderr).toContain('tag latest: unchanged, ');
});

test.each([
  ['pull', 'team/app:1.0.0', '--platform', 'x'],
  ['referrers', 'team/app:1.0.0', '--artifact-type', 'not a type'],
  ['copy', 'team/app:1.0.0', 'team/copy', '--platform', 'x'],
])('%s %s %s %s is refused before anybody is asked', async (...args) => {
  registry.clearRequests();
  expect(await command(...args)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('looks like') as string,
  });
  expect(registry.requests).toEqual([]);
});
