import { describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';
import type { OciManagerOptions } from './oci-manager-options.js';

const sound: OciManagerOptions = {
  registryUrl: 'http://127.0.0.1:1',
  namespace: 'team',
  cacheDir: '/nowhere',
  credentials: async () => undefined,
};

const question = {
  name: { registry: 'a.example', repository: 'kcl/a' },
  manifest: { descriptor: { digest: `sha256:${'0'.repeat(64)}` } },
  source: () => undefined,
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

  it.each([
    [{ routes: 'kcl' }, 'routes'],
    [{ routes: ['kcl'] }, 'routes'],
    [{ routes: { kcl: 5 } }, 'kcl'],
    [{ repositories: 'kcl/core' }, 'repositories'],
    [{ repositories: [5] }, 'repositories'],
    [{ templates: { kcl: null } }, 'kcl'],
    [{ freshness: 5 }, 'freshness'],
    [{ trust: {} }, 'trust'],
    [{ retention: 'never' }, 'retention'],
    [{ credentials: {} }, 'credentials'],
    [{ connection: null }, 'connection'],
  ])('options with %j are refused at once, and %s is named', (wrong, name) => {
    expect(() => new OciManager(untyped({ ...sound, ...wrong }))).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(name) }),
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

  const everyCall: readonly [string, (manager: OciManager, options: never) => unknown][] = [
    ['pullKclPackage', (manager, options) => manager.pullKclPackage('a', '1', options)],
    [
      'pullExtensionArtifact',
      (manager, options) => manager.pullExtensionArtifact('provider', 'a', '1', options),
    ],
    ['listOciArtifacts', (manager, options) => manager.listOciArtifacts('kcl', options)],
    ['artifactExists', (manager, options) => manager.artifactExists('kcl/a', '1', options)],
    ['getManifest', (manager, options) => manager.getManifest('kcl/a', '1', options)],
    ['listKclVersions', (manager, options) => manager.listKclVersions('a', options)],
    [
      'listExtensionVersions',
      (manager, options) => manager.listExtensionVersions('provider', 'a', options),
    ],
    ['kclPackagePlace', (manager, options) => manager.kclPackagePlace('a', options)],
    ['extensionPlace', (manager, options) => manager.extensionPlace('provider', 'a', options)],
    ['repository', (manager, options) => manager.repository('kcl/a', options)],
    ['sourceRepository', (manager, options) => manager.sourceRepository('kcl/a', options)],
    ['forget', (manager, options) => manager.forget('kcl/a', '1', options)],
  ];
  it.each(everyCall)('%s refuses options of another kind as a mistake', async (_, call) => {
    await using manager = new OciManager(sound);
    for (const wrong of [null, 5, 'options', [], { registry: 5 }, { signal: 1 }, { onEvent: {} }])
      await expect(async () => call(manager, untyped(wrong))).rejects.toMatchObject({
        code: 'USAGE',
      });
  });

  it.each<[string, (manager: OciManager) => unknown]>([
    ['registry', (manager) => manager.registry(nothing)],
    ['repository', (manager) => manager.repository(nothing)],
    ['sourceRepository', (manager) => manager.sourceRepository(nothing)],
    ['routeOf', (manager) => manager.routeOf(nothing)],
    ['cache', (manager) => manager.cache(untyped(null))],
    ['ensureTrusted', (manager) => manager.ensureTrusted(untyped(undefined))],
    ['ensureTrusted of a name', (manager) => manager.ensureTrusted(untyped({ name: 'kcl/a' }))],
    [
      'ensureTrusted by no manifest',
      (manager) => manager.ensureTrusted(untyped({ ...question, manifest: {} })),
    ],
    [
      'ensureTrusted by no source',
      (manager) => manager.ensureTrusted(untyped({ ...question, source: {} })),
    ],
  ])('%s without what it needs fails as a mistake', async (_, call) => {
    await using manager = new OciManager(sound);
    await expect(async () => call(manager)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
