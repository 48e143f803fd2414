// Every use of the guide, against a registry that this script starts and stops itself.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  extractArchive,
  installExtension,
  packExtension,
  packKclPackage,
  pushArtifact,
} from '@oci/extensions';
import { OciManager } from '@oci/manager';
import { startServer } from '@oci/server';

const samples = fileURLToPath(new URL('../packages', import.meta.url));
const work = await mkdtemp(join(tmpdir(), 'oci-quickstart-'));
const namespace = 'provisioning-extensions';

/** @param {string} title */
const step = (title) => console.log(`\n${title}`);
/** @param {string} line */
const say = (line) => console.log(`  ${line}`);

const server = await startServer({
  listen: { host: '127.0.0.1', port: 0 },
  dataDir: join(work, 'registry'),
  manager: { namespace, cacheDir: join(work, 'server-cache') },
});
const manager = new OciManager({
  registryUrl: server.url,
  namespace,
  cacheDir: join(work, 'oci-cache'),
});

try {
  step(`Registry at ${server.url}`);

  step('Pack and push the samples');
  const created = new Date();
  const packed = [
    await packKclPackage(join(samples, 'kcl/provisioning-core'), { created }),
    await packExtension({
      type: 'taskserv',
      directory: join(samples, 'taskserv/kubernetes'),
      created,
    }),
    await packExtension({ type: 'provider', directory: join(samples, 'provider/aws'), created }),
    await packExtension({ type: 'cluster', directory: join(samples, 'cluster/web'), created }),
  ];
  for (const artifact of packed) {
    const name = artifact.repository(namespace);
    await pushArtifact(manager.repository(name), artifact);
    say(`${name}:${artifact.tag}  ${artifact.manifest.descriptor.digest}`);
  }

  step('Pull a KCL package');
  const kcl = await manager.pullKclPackage('provisioning-core', '1.0.0');
  say(`${kcl.path}  (${kcl.size} bytes, from cache: ${kcl.fromCache})`);

  step('Pull an extension');
  const extension = await manager.pullExtensionArtifact('taskserv', 'kubernetes', '1.28.0');
  say(`${extension.path}  (${extension.size} bytes, from cache: ${extension.fromCache})`);

  step('List what the registry has');
  for (const listed of ['kcl', namespace]) {
    for (const artifact of await manager.listOciArtifacts(listed)) {
      say(`${listed}: ${artifact.name} v${artifact.version} (${artifact.size} bytes)`);
    }
  }

  step('Ask whether an artifact exists');
  for (const version of ['1.0.0', '9.9.9']) {
    const exists = await manager.artifactExists('kcl/provisioning-core', version);
    say(`kcl/provisioning-core ${version}: ${exists ? 'exists' : 'not found'}`);
  }

  step('Get a manifest, twice');
  manager.clearCache();
  for (const time of ['first', 'second']) {
    const before = manager.metrics().manifestCache.hits;
    const manifest = await manager.getManifest('kcl/provisioning-core', '1.0.0');
    const from = manager.metrics().manifestCache.hits > before ? 'memory' : 'disk';
    say(`${time}: ${manifest.mediaType}, ${manifest.layers.length} layer, from ${from}`);
  }

  step('Extract the package');
  const tree = await extractArchive(kcl.path, join(work, 'extracted'));
  say(`${tree.root}  (${tree.files} files)`);

  step('Install the extension');
  const target = /** @type {const} */ ({ type: 'taskserv', name: 'kubernetes', version: '1.28.0' });
  const installed = await installExtension(manager, target, {
    installDir: join(work, 'installed'),
  });
  say(installed.path);

  step('Clear the manifest cache, and pull again from the cache directory');
  manager.clearCache();
  const again = await manager.pullKclPackage('provisioning-core', '1.0.0');
  say(`${again.path}  (from cache: ${again.fromCache})`);

  step('Metrics');
  const metrics = manager.metrics();
  say(`pulls           ${metrics.pulls}`);
  say(`cache hit rate  ${(100 * metrics.cacheHitRate).toFixed(0)} %`);
  say(`download time   ${metrics.averageDownloadMs.toFixed(1)} ms on average`);
  say(`downloaded      ${metrics.bytesDownloaded} bytes`);

  console.log(`\nEverything is in ${work}`);
} finally {
  await manager.close();
  await server.close();
}
