import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import { type ErrorReason, OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { hintOf } from './hint.js';

const packages = fileURLToPath(new URL('../../../packages', import.meta.url));
/** The settings of programs, with their flags and directories, and what only tests use. */
const excepted = [join('manager', 'src', 'config'), 'testing'].map((path) => join(packages, path));

function librarySources(): readonly string[] {
  return readdirSync(packages)
    .flatMap((name) =>
      readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' }).map((path) =>
        join(packages, name, 'src', path),
      ),
    )
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .filter((path) => !excepted.some((directory) => path.startsWith(directory)));
}

test('no library names the command, or a flag of it', () => {
  const sources = librarySources();
  expect(sources.length).toBeGreaterThan(200);
  const naming = sources.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => /ocictl|[ '"`]--[a-z]/.test(line))
      // The words of other programs.
      .filter(
        (line) => !/`kcl run --vendor`|git log -1 --format|az acr login|gcloud auth/.test(line),
      )
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(naming).toEqual([]);
});

test('no library names a key of the configuration file', () => {
  const naming = librarySources().filter((path) =>
    readFileSync(path, 'utf8').includes('orchestrator.oci'),
  );
  expect(naming).toEqual([]);
});

const cases: readonly (readonly [ErrorReason, string])[] = [
  [{ kind: 'login-missing', host: 'r.example' }, 'Log in with: ocictl login r.example'],
  [
    { kind: 'repository-unknown', origin: 'https://r.example', namespace: 'team/kcl' },
    'See what there is with: ocictl list team/kcl --registry https://r.example',
  ],
  [
    { kind: 'repository-unknown', origin: 'https://r.example', namespace: '' },
    'See what there is with: ocictl list --registry https://r.example',
  ],
  [
    { kind: 'registry-internal', registry: '10.0.0.1' },
    'If that is right, say so in the configuration: [orchestrator.oci.registries."10.0.0.1"] plain_http = false',
  ],
];

test.each(cases)('%j is answered by the command', (reason, hint) => {
  expect(hintOf(new OciError('USAGE', 'x', { hint: 'of the library', reason }))).toBe(hint);
});

test('a reason of another release leaves the hint of the library', () => {
  const reason = { kind: 'of-tomorrow' } as unknown as ErrorReason;
  expect(hintOf(new OciError('USAGE', 'x', { hint: 'of the library', reason }))).toBe(
    'of the library',
  );
});

test('a version that was not found leads to the tags', () => {
  const error = new OciError('MANIFEST_UNKNOWN', 'x', {
    reason: { kind: 'manifest-unknown', host: 'r.example', repository: 'team/tool' },
  });
  expect(hintOf(error)).toBe('See which tags there are: ocictl tags r.example/team/tool');
});
