import { OciError } from '@oci/spec-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { formatKclLock, parseKclLock } from './kcl-lock.js';

const ofKpm = `[dependencies]
  [dependencies.k8s]
    name = "k8s"
    full_name = "k8s_1.31.2"
    version = "1.31.2"
    sum = "xBZgPsnpVVyWBpahuPQHReeRx28eUHGFoaPeqbct+vs="
    reg = "ghcr.io"
    repo = "kcl-lang/k8s"
    oci_tag = "1.31.2"
`;

test('reads what kpm wrote', () => {
  expect(parseKclLock(ofKpm).get('k8s')).toEqual({
    name: 'k8s',
    version: '1.31.2',
    sum: 'xBZgPsnpVVyWBpahuPQHReeRx28eUHGFoaPeqbct+vs=',
    registry: 'ghcr.io',
    repository: 'kcl-lang/k8s',
    tag: '1.31.2',
    digest: undefined,
  });
});

test('writes names in order, with digests, and reads the same again', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const both = parseKclLock(
    `${ofKpm}    digest = "${digest}"\n[dependencies.a]\nversion = "1.0.0"\n`,
  );
  const text = formatKclLock(both.values());
  expect(text).toContain(`digest = "${digest}"`);
  expect(text.indexOf('[dependencies.a]')).toBeLessThan(text.indexOf('[dependencies.k8s]'));
  expect([...parseKclLock(text)]).toEqual([...both].reverse());
  expect(formatKclLock([...both.values()].reverse())).toBe(text);
});

test('an empty lock is an empty file', () => {
  expect(formatKclLock([])).toBe('');
  expect(parseKclLock('').size).toBe(0);
});

test.each(['= =', '[dependencies]\na = 1', '[dependencies.a]\ndigest = "x"'])(
  '%j is refused',
  (text) => {
    expect(() => parseKclLock(text)).toThrow(
      expect.objectContaining({ code: 'EXTENSION_INVALID' }),
    );
  },
);

function outcome(text: string): unknown {
  try {
    return parseKclLock(text);
  } catch (error) {
    return error instanceof OciError ? error.code : 'a defect';
  }
}

test('no text breaks it', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(outcome(text)).not.toBe('a defect');
    }),
  );
});
