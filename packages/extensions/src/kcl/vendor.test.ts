import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { OciManager } from '@oci/manager';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type KclSource, managerSource } from '../depend/kcl-source.js';
import { packKclPackage } from '../pack/kcl-package.js';
import { pushArtifact } from '../pack/packed-artifact.js';
import { parseKclLock } from './kcl-lock.js';
import { vendorKclPackage } from './vendor.js';

let work: TemporaryDirectory;
let registry: TestRegistry;
let other: TestRegistry;
let manager: OciManager;
let source: KclSource;

beforeEach(async () => {
  work = await temporaryDirectory();
  registry = await startRegistry();
  other = await startRegistry();
  renew();
});
afterEach(async () => {
  await source.close();
  await manager.close();
  await registry.close();
  await other.close();
  await work.remove();
});

function renew(freshness = {}): void {
  const cacheDir = join(work.path, 'cache');
  manager = new OciManager({ registryUrl: registry.url, namespace: 'e', cacheDir, freshness });
  source = managerSource(manager);
}

function modOf(name: string, version: string, dependencies = ''): string {
  return `[package]\nname = "${name}"\nversion = "${version}"\n[dependencies]\n${dependencies}`;
}

interface Published {
  readonly at?: TestRegistry;
  readonly repository?: string;
  readonly dependencies?: string;
  readonly content?: string;
}

function publish(name: string, version: string, options: Published = {}): void {
  const { at = registry, repository = `kcl/${name}`, dependencies, content = 'a = 1\n' } = options;
  const files = { 'kcl.mod': modOf(name, version, dependencies), 'main.k': content };
  at.putArtifact(repository, version, kclPackage({ name, version, files }));
}

async function project(dependencies: string, name = 'app'): Promise<string> {
  const directory = join(work.path, name);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'kcl.mod'), modOf(name, '0.1.0', dependencies));
  return directory;
}

async function lockOf(directory: string) {
  return parseKclLock(await readFile(join(directory, 'kcl.mod.lock'), 'utf8'));
}

test('puts the whole tree of dependencies where kcl looks for it, and locks it', async () => {
  publish('base', '1.0.0');
  publish('base', '1.1.0');
  publish('models', '2.0.0', { dependencies: 'base = "^1.0"\n' });
  publish('net', '0.3.0', {
    at: other,
    repository: 'team/net',
    dependencies: `base = { oci = "oci://${registry.host}/kcl/base", tag = "1.1.0" }\n`,
  });
  const directory = await project('models = "2.0.0"\n');
  const { packages, warnings } = await vendorKclPackage(directory, source);
  expect(warnings).toEqual([]);
  expect(packages.map(({ name, version, changed }) => [name, version, changed])).toEqual([
    ['base', '1.1.0', true],
    ['models', '2.0.0', true],
  ]);
  expect((await readdir(join(directory, 'vendor'))).sort()).toEqual(['base_1.1.0', 'models_2.0.0']);
  expect(await readFile(join(directory, 'vendor', 'base_1.1.0', 'main.k'), 'utf8')).toBe('a = 1\n');
  expect((await lockOf(directory)).get('base')).toEqual({
    name: 'base',
    version: '1.1.0',
    sum: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
    registry: registry.host,
    repository: 'kcl/base',
    tag: '1.1.0',
    digest: packages[0]?.digest,
  });
});

/** A source beside which a pruning takes what was read, and what was not read yet, when `base` came first. */
function prunedSource(onPull: (name: string) => void): KclSource {
  const paths: string[] = [];
  let isPruned = false;
  return {
    ...source,
    pull: async (place, version, signal) => {
      onPull(place.package);
      const pulled = await source.pull(place, version, signal);
      paths.push(pulled.path);
      if (place.package === 'base' && !isPruned) {
        isPruned = true;
        for (const path of paths) await rm(path);
      }
      return pulled;
    },
  };
}

test('pulls again what was pruned before it was read, or before it was unpacked', async () => {
  publish('base', '1.0.0');
  publish('models', '2.0.0', { dependencies: 'base = "1.0.0"\n' });
  const directory = await project('models = "2.0.0"\n');
  const pulls: string[] = [];
  const { packages } = await vendorKclPackage(
    directory,
    prunedSource((name) => pulls.push(name)),
  );
  expect(packages.map(({ name, changed }) => [name, changed])).toEqual([
    ['base', true],
    ['models', true],
  ]);
  expect(pulls).toEqual(['models', 'base', 'base', 'models']);
});

test('refuses what has other content when it is pulled again', async () => {
  publish('base', '1.0.0');
  publish('models', '2.0.0', { dependencies: 'base = "1.0.0"\n' });
  const directory = await project('models = "2.0.0"\n');
  const pruned = prunedSource(() => {});
  let pulls = 0;
  const moved: KclSource = {
    ...pruned,
    pull: async (place, version, signal) => {
      const pulled = await pruned.pull(place, version, signal);
      pulls += place.package === 'models' ? 1 : 0;
      return pulls < 2 ? pulled : { ...pulled, manifestDigest: pulled.digest };
    },
  };
  await expect(vendorKclPackage(directory, moved)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining('models'),
  });
});

test('takes packages of other registries, and of repositories without a host', async () => {
  publish('net', '0.3.0', { at: other, repository: 'team/net' });
  publish('k8s', '1.31.2', { repository: 'org/k8s' });
  const directory = await project(
    `net = { oci = "oci://${other.host}/team/net", tag = "0.3.0" }
k8s = { repo = "org/k8s", tag = "1.31.2" }
`,
  );
  const { packages } = await vendorKclPackage(directory, source);
  expect(packages.map(({ source: from }) => from).sort()).toEqual(
    [`${other.host}/team/net:0.3.0`, `${registry.host}/org/k8s:1.31.2`].sort(),
  );
});

test('the default place of names can be another, as with KPM_REG and KPM_REPO', async () => {
  publish('k8s', '1.31.2', { at: other, repository: 'kcl-lang/k8s' });
  const directory = await project('k8s = "1.31.2"\n');
  const from = managerSource(manager, { registry: other.host, repository: 'kcl-lang' });
  const { packages } = await vendorKclPackage(directory, from);
  expect(packages[0]?.source).toBe(`${other.host}/kcl-lang/k8s:1.31.2`);
  await from.close();
});

test('keeps packages of one repository name at two registries apart', async () => {
  publish('one', '1.0.0', { repository: 'team/lib', content: 'from = "one"\n' });
  publish('two', '1.0.0', { at: other, repository: 'team/lib', content: 'from = "two"\n' });
  const directory = await project(
    `one = { oci = "oci://${registry.host}/team/lib", tag = "1.0.0" }
two = { oci = "oci://${other.host}/team/lib", tag = "1.0.0" }
`,
  );
  await vendorKclPackage(directory, source);
  for (const name of ['one', 'two']) {
    const file = join(directory, 'vendor', `${name}_1.0.0`, 'main.k');
    expect(await readFile(file, 'utf8')).toBe(`from = "${name}"\n`);
  }
});

test('does nothing the second time, and needs no network', async () => {
  publish('base', '1.0.0');
  const directory = await project('base = "^1"\n');
  await vendorKclPackage(directory, source);
  publish('base', '1.5.0');
  const asked = registry.requests.length;
  renew({ offline: true });
  const { packages } = await vendorKclPackage(directory, source, { frozen: true });
  expect(packages).toMatchObject([{ name: 'base', version: '1.0.0', changed: false }]);
  expect(registry.requests.length).toBe(asked);
  await rm(join(directory, 'vendor', 'base_1.0.0', 'kcl.mod'));
  expect((await vendorKclPackage(directory, source)).packages).toMatchObject([{ changed: true }]);
});

test.each([true, false])(
  'files of a checkout that are not the locked ones are replaced, and told (frozen: %s)',
  async (frozen) => {
    publish('base', '1.0.0');
    const directory = await project('base = "1.0.0"\n');
    await vendorKclPackage(directory, source);
    const place = join(directory, 'vendor', 'base_1.0.0');
    const outside = join(work.path, 'outside.k');
    await writeFile(outside, 'a = 1\n');
    const changes: readonly (() => Promise<void>)[] = [
      () => writeFile(join(place, 'main.k'), 'evil = 1\n'),
      () => writeFile(join(place, 'extra.k'), ''),
      () => rm(join(place, 'main.k')),
      () => mkdir(join(place, 'empty')),
      () => chmod(join(place, 'main.k'), 0o755),
      async () => {
        await rm(join(place, 'main.k'));
        await symlink(outside, join(place, 'main.k'));
      },
      async () => {
        await rename(place, join(work.path, 'moved'));
        await symlink(join(work.path, 'moved'), place);
      },
    ];
    for (const change of changes) {
      await change();
      const { packages, warnings } = await vendorKclPackage(directory, source, { frozen });
      expect(packages).toMatchObject([{ name: 'base', changed: true }]);
      expect(warnings).toEqual([expect.stringContaining('had other files than the package')]);
      expect((await readdir(place)).sort()).toEqual(['kcl.mod', 'main.k']);
      expect((await lstat(join(place, 'main.k'))).isFile()).toBe(true);
      expect(await readFile(join(place, 'main.k'), 'utf8')).toBe('a = 1\n');
    }
    expect(await readdir(join(directory, 'vendor'))).toEqual(['base_1.0.0']);
    const again = await vendorKclPackage(directory, source, { frozen });
    expect(again).toMatchObject({ packages: [{ changed: false }], warnings: [] });
  },
);

test('nothing is written through a vendor directory that is a link', async () => {
  publish('base', '1.0.0');
  const directory = await project('base = "1.0.0"\n');
  const outside = join(work.path, 'outside');
  await mkdir(outside);
  await symlink(outside, join(directory, 'vendor'));
  await expect(vendorKclPackage(directory, source)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    message: expect.stringContaining(join(directory, 'vendor')),
    hint: expect.any(String),
  });
  expect(await readdir(outside)).toEqual([]);
  await expect(readFile(join(directory, 'kcl.mod.lock'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('`frozen` takes what is locked and nothing else', async () => {
  publish('base', '1.0.0');
  const directory = await project('base = "^1"\n');
  await expect(vendorKclPackage(directory, source, { frozen: true })).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringContaining('does not hold base 1.0.0'),
  });
  await expect(readdir(join(directory, 'vendor'))).rejects.toMatchObject({ code: 'ENOENT' });
  await vendorKclPackage(directory, source);
  const lock = await readFile(join(directory, 'kcl.mod.lock'), 'utf8');
  publish('base', '1.5.0');
  await rm(join(directory, 'vendor'), { recursive: true });
  await vendorKclPackage(directory, source, { frozen: true });
  expect(await readdir(join(directory, 'vendor'))).toContain('base_1.0.0');
  expect(await readFile(join(directory, 'kcl.mod.lock'), 'utf8')).toBe(lock);
});

test('refuses a version that was published again since it was locked or pinned', async () => {
  publish('base', '1.0.0');
  const directory = await project('base = "1.0.0"\n');
  const { packages } = await vendorKclPackage(directory, source);
  publish('base', '1.0.0', { content: 'changed = 1\n' });
  renew({ refresh: true });
  await expect(vendorKclPackage(directory, source)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining('kcl.mod.lock says'),
  });
  const pin = `base = { oci = "oci://${registry.host}/kcl/base", tag = "1.0.0", digest = "${packages[0]?.digest}" }\n`;
  await expect(vendorKclPackage(await project(pin, 'pinned'), source)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining('pins base'),
  });
});

test('never replaces a sum that is known by an empty one (kcl-lang/kpm#499)', async () => {
  const files = { 'kcl.mod': modOf('base', '1.0.0') };
  registry.putArtifact(
    'kcl/base',
    '1.0.0',
    kclPackage({ name: 'base', version: '1.0.0', files, era: 'v0.2' }),
  );
  const directory = await project('base = "1.0.0"\n');
  await writeFile(
    join(directory, 'kcl.mod.lock'),
    '[dependencies.base]\nname = "base"\nversion = "1.0.0"\nsum = "known="\n',
  );
  await vendorKclPackage(directory, source);
  expect((await lockOf(directory)).get('base')).toMatchObject({
    sum: 'known=',
    digest: expect.stringMatching(/^sha256:/),
  });
});

test.each(['v0.2', 'v0.3', 'v0.12'] as const)(
  'takes packages of the era %s of kpm',
  async (era) => {
    registry.putArtifact('kcl/base', '1.0.0', kclPackage({ name: 'base', version: '1.0.0', era }));
    const directory = await project('base = "1.0.0"\n');
    await vendorKclPackage(directory, source);
    expect(await readdir(join(directory, 'vendor', 'base_1.0.0'))).toContain('main.k');
  },
);

test.each([
  ['cache', 'k8s_1.31.2'],
  ['storage', /^oci\/src\/[0-9a-f]{16}\/k8s\/1\.31\.2$/],
] as const)('fills the directory %s of kpm', async (layout, path) => {
  publish('k8s', '1.31.2', { repository: 'kcl-lang/k8s' });
  const directory = await project('k8s = { repo = "kcl-lang/k8s", tag = "1.31.2" }\n');
  const env = { KCL_PKG_PATH: join(work.path, 'modules') };
  const { packages } = await vendorKclPackage(directory, source, { layout, env });
  const relative = packages[0]?.path.slice(env.KCL_PKG_PATH.length + 1);
  expect(relative).toMatch(path);
  expect(await readdir(packages[0]?.path ?? '')).toContain('kcl.mod');
});

test('names what can not be vendored', async () => {
  publish('a', '1.0.0', { dependencies: 'b = "1.0.0"\n' });
  publish('b', '1.0.0', { dependencies: 'a = "1.0.0"\n' });
  await expect(vendorKclPackage(await project('a = "1.0.0"\n'), source)).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringContaining('a → b → a'),
  });
  const git = await project('g = { git = "https://h.example/g", tag = "v1" }\n', 'git');
  await expect(vendorKclPackage(git, source)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  publish('x', '1.0.0', { at: other, repository: 'one/x' });
  publish('x', '1.0.0', { at: other, repository: 'two/x' });
  publish('y', '1.0.0', {
    dependencies: `x = { oci = "oci://${other.host}/two/x", tag = "1.0.0" }\n`,
  });
  const same = `x = { oci = "oci://${other.host}/one/x", tag = "1.0.0" }\ny = "1.0.0"\n`;
  await expect(vendorKclPackage(await project(same, 'same'), source)).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringMatching(/two packages .* the name x.*one\/x.*two\/x/),
  });
  await expect(vendorKclPackage(join(work.path, 'none'), source)).rejects.toMatchObject({
    code: 'USAGE',
  });
});

const examples = fileURLToPath(new URL('../../../../examples/packages/kcl/', import.meta.url));

test('the sample packages need each other, and are found', async () => {
  for (const name of ['provisioning-core', 'web-platform']) {
    const packed = await packKclPackage(join(examples, name));
    expect(packed.findings).toEqual([]);
    await pushArtifact(manager.repository(packed.repository('')), packed);
  }
  const directory = await project('web-platform = "^0.2"\n');
  const { packages } = await vendorKclPackage(directory, source);
  expect(packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'provisioning-core 1.0.0',
    'web-platform 0.2.0',
  ]);
});

test('a package by its name and by its URL is one (kcl-lang/kpm#598)', async () => {
  publish('base', '0.1.0');
  const byUrl = `base = { oci = "oci://${registry.host}/kcl/base", tag = "0.1.0" }\n`;
  publish('auth', '0.6.0', { dependencies: byUrl });
  const directory = await project('auth = "0.6.0"\nbase = "0.1.0"\n');
  for (const defaults of [{}, { registry: registry.host, repository: 'kcl' }]) {
    const from = managerSource(manager, defaults);
    const { packages } = await vendorKclPackage(directory, from);
    expect(packages.map(({ name }) => name)).toEqual(['base', 'auth']);
    await from.close();
  }
});

test('packages of one name at two registries are two (kcl-lang/kpm#384)', async () => {
  publish('base', '0.1.0');
  publish('base', '0.1.0', { at: other });
  publish('auth', '0.6.0', {
    dependencies: `base = { oci = "oci://${other.host}/kcl/base", tag = "0.1.0" }\n`,
  });
  const directory = await project('auth = "0.6.0"\nbase = "0.1.0"\n');
  await expect(vendorKclPackage(directory, source)).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
  });
});

test('a package that is not unpacked is named, with the entry (kcl-lang/kcl#1940)', async () => {
  const files = { 'kcl.mod': modOf('okapi', '0.0.2'), '../out': '' };
  registry.putArtifact(
    'kcl/okapi',
    '0.0.2',
    kclPackage({ name: 'okapi', version: '0.0.2', files }),
  );
  const directory = await project('okapi = "0.0.2"\n');
  await expect(vendorKclPackage(directory, source)).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
    message: expect.stringMatching(/kcl\/okapi:0\.0\.2: .*\(rule parent-path\)/),
  });
});

test('a package of a public registry leads to no internal one, unless something of ours names it', async () => {
  const inside = `inner = { oci = "oci://${other.host}/team/inner", tag = "1.0.0" }\n`;
  publish('outer', '1.0.0', { dependencies: inside });
  publish('inner', '1.0.0', { at: other, repository: 'team/inner' });
  const cacheDir = join(work.path, 'public');
  const options = { registryUrl: 'https://8.8.8.8', namespace: 'e', cacheDir };
  const settings = { [other.host]: { plainHttp: true } };
  const vendor = async (names: boolean, dependencies: string): Promise<unknown> => {
    const publicManager = new OciManager({ ...options, ...(names && { registries: settings }) });
    const outside = managerSource(publicManager);
    const directory = await project(dependencies);
    try {
      // What is in the test's registry stands for what is in the public one.
      return await vendorKclPackage(directory, {
        ...source,
        locate: (place) => outside.locate(place),
        followLead: (place, by) => outside.followLead(place, by),
      });
    } finally {
      await outside.close();
      await publicManager.close();
    }
  };
  await expect(vendor(false, 'outer = "1.0.0"\n')).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    message: expect.stringContaining(other.host),
    reason: { kind: 'registry-internal', registry: other.host },
  });
  expect(other.requests).toEqual([]);
  await expect(vendor(false, `outer = "1.0.0"\n${inside}`)).resolves.toBeDefined();
  await expect(vendor(true, 'outer = "1.0.0"\n')).resolves.toBeDefined();
});
