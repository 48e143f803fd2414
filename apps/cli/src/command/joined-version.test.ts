import { describe, expect, it } from 'vitest';

import { type CommandDefinition, defineCommand } from './definition.js';
import { splitJoinedVersion } from './joined-version.js';

const command = (optional: boolean): CommandDefinition =>
  defineCommand<{ name: string; version?: string }>({
    name: 'kcl pull',
    summary: '',
    arguments: [
      { name: 'name', description: '' },
      { name: 'version', description: '', optional, joins: true },
    ],
    examples: [],
    load: async () => async () => {},
  });

const split = (name: string, version?: string, optional = false): object =>
  splitJoinedVersion(command(optional), { name, version, output: 'x' });

describe('NAME VERSION', () => {
  it.each([
    ['core', '1.0.0', { name: 'core', version: '1.0.0' }],
    ['core:1.0.0', undefined, { name: 'core', version: '1.0.0' }],
    ['core:^1.2', undefined, { name: 'core', version: '^1.2' }],
    ['core:1.0.0+a', '1.0.0+a', { name: 'core', version: '1.0.0+a' }],
  ])('is read from %s %s', (name, version, expected) => {
    expect(split(name, version)).toEqual({ ...expected, output: 'x' });
  });

  it('may be a name alone where the version is optional', () => {
    expect(split('core', undefined, true)).toMatchObject({ name: 'core', version: undefined });
    expect(() => split('core')).toThrow("missing required argument 'version'");
  });

  it.each([
    ['core:1.0.0', '2.0.0', /name two versions/],
    ['oci://localhost:5000/kcl/core:1.0.0', undefined, /is a reference/],
    ['oci://localhost:5000/kcl/core', '1.0.0', /is a reference/],
    ['localhost:5000/kcl/core:1.0.0', undefined, /is a reference/],
  ])('is not %s %s', (name, version, message) => {
    expect(() => split(name, version)).toThrow(message);
  });

  it('is left alone where a command does not take it', () => {
    const { arguments: taken = [], ...rest } = command(false);
    const plain = { ...rest, arguments: taken.slice(0, 1) };
    expect(splitJoinedVersion(plain, { name: 'a:b' })).toEqual({ name: 'a:b' });
  });
});
