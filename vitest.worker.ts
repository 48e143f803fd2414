import { mkdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { rolldown } from 'rolldown';

/** The download worker as tests run it: the one file of it that isn't run from source. */
const built = fileURLToPath(
  new URL('./node_modules/.cache/oci-test/download-worker.js', import.meta.url),
);

/** Builds the download worker before the tests of a project. */
export async function setup(): Promise<void> {
  const source = new URL(
    './packages/client/src/transport/worker/download-worker.ts',
    import.meta.url,
  );
  await using bundle = await rolldown({
    input: fileURLToPath(source),
    platform: 'node',
    logLevel: 'silent',
    transform: { target: 'node20' },
  });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  const temporary = `${built}.${process.pid}`;
  await mkdir(fileURLToPath(new URL('.', pathToFileURL(built))), { recursive: true });
  await writeFile(temporary, output[0].code);
  await rename(temporary, built);
}
