import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { pushExtension } from '../harness/artifacts.mjs';
import { compare, timesAsFast } from '../harness/compare.mjs';
import { memoryDirectory } from '../harness/memory-directory.mjs';
import { ocictl } from '../harness/ocictl.mjs';
import { treeDigest } from '../harness/outputs.mjs';
import { contestant } from '../harness/pullers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

/** Download, unpack, validate and put into place, against unpacking alone. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const installFiles = {
  name: 'install-files',
  title: `install an extension of 10,000 small files${memoryDirectory === undefined ? '' : ', in memory'}`,
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    bench.scope.workDir = memoryDirectory ?? bench.scope.workDir;
    const { scope } = bench;
    const files = bench.size(10_000);
    const { archive, name, version } = await pushExtension(registry.host, { files, scope });
    const archivePath = join(await scope.temporaryDirectory('archive'), 'artifact.tar.gz');
    await writeFile(archivePath, archive);
    const trees = new Set();
    const rows = await compare(bench, {
      contestants: [
        {
          name: 'ocictl extension install',
          isOurs: true,
          command: ({ host, out }) =>
            ocictl({ host, out: join(out, 'cache') }, [
              'extension',
              'install',
              'taskserv',
              name,
              version,
              '--install-dir',
              join(out, 'installed'),
            ]),
        },
        ...contestant('tar', ({ out }) => ['-xzf', archivePath, '-C', out]),
      ],
      host: registry.host,
      front: await bench.front({ target: { host: '127.0.0.1', port: registry.port } }),
      check: async (out) => {
        trees.add(await treeDigest(out, 'folder-'));
        if (trees.size > 1) throw new Error('the installed files differ from those of tar');
      },
    });
    const wanted = { target: 'at most 4 times GNU tar', times: 0.25 };
    return { rows, verdicts: [fasterThan(timesAsFast(rows), wanted)] };
  },
};
