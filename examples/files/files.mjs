// Files as an artifact: pushed, pulled, and described by something that is attached. Run it behind
// `pnpm build`, with node.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { attachFiles, listFiles, pullFiles, pushFiles } from '@oci/extensions/files';
import { startServer } from '@oci/server';

const work = await mkdtemp(join(tmpdir(), 'oci-files-'));
const server = await startServer({
  listen: { host: '127.0.0.1', port: 0 },
  dataDir: join(work, 'data'),
  manager: { namespace: 'example', cacheDir: join(work, 'cache') },
});
const registry = createRegistry({ url: server.url });
const repository = registry.repository('team/tool');

try {
  await writeFile(join(work, 'tool.json'), '{"name":"tool"}\n');
  await writeFile(join(work, 'sbom.json'), '{"spdxVersion":"SPDX-2.3"}\n');

  const { manifest } = await pushFiles(
    repository,
    [{ path: 'tool.json', mediaType: 'application/json' }],
    {
      base: work,
      artifactType: 'application/vnd.team.tool.v1',
      annotations: { 'org.opencontainers.image.description': 'A tool' },
      tags: ['1.2.0', 'latest'],
    },
  );
  await attachFiles(repository, '1.2.0', ['sbom.json'], {
    base: work,
    artifactType: 'application/spdx+json',
  });

  const { files } = await pullFiles(repository, 'latest', {
    directory: join(work, 'out'),
    filter: ({ name }) => name.endsWith('.json'),
    onEvent: (event) => {
      if (event.type === 'bytes') console.error(`${event.done} of ${event.size} bytes`);
    },
  });
  for (const { path } of files) console.log((await readFile(path, 'utf8')).trim());

  for await (const { digest, artifactType } of repository.listReferrers(manifest.descriptor)) {
    const attached = await listFiles(repository, digest);
    console.log(artifactType, attached.files.map(({ name }) => name).join(', '));
  }
} finally {
  await registry.close();
  await server.close();
  await rm(work, { recursive: true, force: true });
}
