// An artifact on its way through closed doors: registry, archive, another registry. Run it behind
// `pnpm build`, with node.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createRegistry } from '@oci/client';
import { copy } from '@oci/client/copy';
import { openSource, openTarget, parseLocation } from '@oci/client/location';
import { packKclPackage, pushArtifact } from '@oci/extensions';
import { startServer } from '@oci/server';

const sample = fileURLToPath(new URL('../packages/kcl/provisioning-core', import.meta.url));
const work = await mkdtemp(join(tmpdir(), 'oci-copy-'));

/** @param {string} name */
const start = (name) =>
  startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(work, name),
    manager: { namespace: 'example', cacheDir: join(work, `${name}-cache`) },
  });

const [outside, inside] = [await start('outside'), await start('inside')];
const first = createRegistry({ url: outside.url });
const second = createRegistry({ url: inside.url });

/** The repository of a reference, in the registry that its host names. @type {import('@oci/client/location').Connect} */
const connect = ({ registry, repository }) =>
  (registry === first.host ? first : second).repository(repository);

/** @param {string} from @param {string} to */
const bring = async (from, to) => {
  const source = await openSource(parseLocation(from), connect);
  const target = await openTarget(parseLocation(to), connect);
  try {
    const operation = copy(source, target, { referrers: true });
    operation.on((event) => event.type === 'warning' && console.error(event.message));
    const { descriptor, copied } = await operation;
    await target.finish();
    console.log(`${from} -> ${to}`);
    console.log(`  ${descriptor.digest}: ${copied.blobs} blobs, ${copied.bytes} bytes`);
  } finally {
    await target.close();
    await source.close();
  }
};

try {
  const artifact = await packKclPackage(sample, { created: new Date() });
  const name = artifact.repository('example');
  await pushArtifact(first.repository(name), artifact);
  const archive = `oci-archive:${join(work, 'carried.tar')}:${artifact.tag}`;
  await bring(`${first.host}/${name}:${artifact.tag}`, archive);
  await bring(archive, `${second.host}/${name}:${artifact.tag}`);
} finally {
  await Promise.all([first.close(), second.close()]);
  await Promise.all([outside.close(), inside.close()]);
  await rm(work, { recursive: true, force: true });
}
