import { describe, expect, it } from 'vitest';

import { OciManager, type OciManagerOptions } from './manager.js';

const sound: OciManagerOptions = {
  registryUrl: 'http://127.0.0.1:1',
  namespace: 'team',
  cacheDir: '/nowhere',
  credentials: async () => undefined,
};

/** What a program without types may hand over. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it poses as
const untyped = <T>(value: unknown): T => value as T;

describe('from JavaScript', () => {
  it.each([
    [undefined, 'registryUrl'],
    [{}, 'registryUrl'],
    [{ ...sound, registryUrl: new URL('http://a') }, 'registryUrl'],
    [{ ...sound, namespace: null }, 'namespace'],
    [{ ...sound, cacheDir: 5 }, 'cacheDir'],
    [{ ...sound, cacheDir: '' }, 'cacheDir'],
  ])('options %j are refused at once, and %s is named', (options, name) => {
    expect(() => new OciManager(untyped(options))).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining(name),
        hint: expect.stringContaining(`Give ${name} as a string`),
      }),
    );
  });

  it.each(['ftp://registry.example', 'http://a/path', ''])(
    'the registry %j is refused at once',
    (registryUrl) => {
      expect(() => new OciManager({ ...sound, registryUrl })).toThrow(
        expect.objectContaining({ code: 'REFERENCE_INVALID' }),
      );
    },
  );

  const nothing = untyped<string>(undefined);
  const number = untyped<string>(1.5);
  it.each<[string, (manager: OciManager) => PromiseLike<unknown>]>([
    ['name', (manager) => manager.pullKclPackage(nothing, '1')],
    ['version', (manager) => manager.pullKclPackage('core', number)],
    ['type', (manager) => manager.pullExtensionArtifact(nothing, 'a', '1')],
    ['version', (manager) => manager.pullExtensionArtifact('provider', 'a', nothing)],
    ['namespace', (manager) => manager.listOciArtifacts(nothing)],
    ['repository', (manager) => manager.artifactExists(nothing, '1')],
    ['version', (manager) => manager.artifactExists('a', nothing)],
    ['version', (manager) => manager.getManifest('a', number)],
    ['name', (manager) => manager.listKclVersions(nothing)],
    ['type', async (manager) => manager.extensionPlace(nothing, 'a')],
    ['type', (manager) => manager.listExtensionVersions(nothing, 'a')],
    ['name', (manager) => manager.listExtensionVersions('provider', nothing)],
  ])('a call without its %s fails as a mistake of the caller', async (name, call) => {
    await using manager = new OciManager(sound);
    await expect(call(manager)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(name),
      hint: expect.stringContaining(`Give ${name} as a string`),
    });
  });
});
