import { expect, test } from 'vitest';

import { exactVersion, isVersionRange, isWithin, selectVersion } from './version-range.js';

const versions = [
  'latest',
  '1.0.0',
  '1.2.0',
  '1.10.0',
  '2.0.0-rc.1',
  '2.0.0',
  '2.1.0-beta.1',
  'v3.0.0',
];

test.each<[string | undefined, string | undefined]>([
  ['^1.0.0', '1.10.0'],
  ['~1.2.0', '1.2.0'],
  ['>=1.0.0 <1.10.0', '1.2.0'],
  ['1', '1.10.0'],
  ['1.2.0', '1.2.0'],
  ['2.0.0-rc.1', '2.0.0-rc.1'],
  ['>=2.1.0-beta.0 <3', '2.1.0-beta.1'],
  ['latest', 'latest'],
  ['^4', undefined],
  ['nonsense', undefined],
  [undefined, 'v3.0.0'],
])('%j takes %j', (range, version) => {
  expect(selectVersion(versions, range)).toBe(version);
});

test('several ranges are held together', () => {
  expect(selectVersion(versions, '^1', '<1.10.0')).toBe('1.2.0');
  expect(selectVersion(versions, '^1', '^2')).toBeUndefined();
});

test.each([[['1.5.1', 'v1.5.1', '1.0.0']], [['v1.5.1', '1.5.1']]])(
  'of %j the one without a v is taken (fluxcd/source-controller#1834)',
  (tags) => {
    expect(selectVersion(tags, undefined)).toBe('1.5.1');
    expect(selectVersion(tags, '^1')).toBe('1.5.1');
  },
);

test('a range takes a version with a build (helm/helm#13368)', () => {
  expect(selectVersion(['1.0.0', '1.2.0+b.5'], '^1')).toBe('1.2.0+b.5');
});

test('a prerelease is the newest only where there is nothing else', () => {
  expect(selectVersion(['1.0.0-rc.1', '1.0.0-rc.2'], undefined)).toBe('1.0.0-rc.2');
});

test('tells versions, ranges and other words apart', () => {
  expect(['1.2.3', 'v1.2.3', '1.2', '^1.2.3', 'latest'].map((text) => exactVersion(text))).toEqual([
    '1.2.3',
    'v1.2.3',
    undefined,
    undefined,
    'latest',
  ]);
  expect(['1.2.3', '1', '^1', 'latest'].map((text) => isVersionRange(text))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(isWithin('latest', undefined)).toBe(false);
});

test('a range longer than any that is written is none', () => {
  const long = Array.from({ length: 10_000 }, (_, at) => `1.${at}`).join(' || ');
  expect(isVersionRange(long)).toBe(false);
  expect(isWithin('1.0.0', long)).toBe(false);
});
