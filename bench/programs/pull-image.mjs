// Downloads every blob of an image to a file named by its digest: HOST REPOSITORY TAG DIRECTORY.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { childrenOf, digestEncoded, parseRepositoryName, parseTag } from '@oci/spec-types';

const [, , host = '', repository = '', tag = '', directory = ''] = process.argv;
const registry = createRegistry({ url: `http://${host}` });
const remote = registry.repository(parseRepositoryName(repository));
const manifest = await remote.fetch(parseTag(tag));
if (manifest.kind !== 'image') throw new Error(`${repository}:${tag} is no image`);
const blobs = join(directory, 'blobs', 'sha256');
await mkdir(blobs, { recursive: true });
await Promise.all(
  childrenOf(manifest).map((blob) =>
    remote.downloadBlob(blob, join(blobs, digestEncoded(blob.digest))),
  ),
);
await writeFile(join(blobs, digestEncoded(manifest.descriptor.digest)), manifest.bytes);
await registry.close();
