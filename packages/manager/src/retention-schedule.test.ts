import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import type { PruneReport } from '@oci/cache';
import { kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, it } from 'vitest';

import { OciManager } from './manager.js';
import type { RetentionOptions } from './retention-schedule.js';

it('prunes beside the first pull, and then every so often', async () => {
  await using registry = await startRegistry();
  await using work = await temporaryDirectory('oci-retention-');
  for (const version of ['1.0.0', '2.0.0'])
    registry.putArtifact('kcl/core', version, kclPackage({ name: 'core', version }));
  const managerOf = (retention?: RetentionOptions): OciManager =>
    new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      retention,
    });
  {
    await using first = managerOf();
    await first.pullKclPackage('core', '1.0.0');
    const longAgo = (Date.now() - 40 * 24 * 3_600_000) / 1000;
    const { references } = await first.cache();
    for await (const { key, entry } of references.list()) {
      await references.set(key, entry, longAgo * 1000);
      await utimes(join(work.path, 'cache/kcl/core/1.0.0/package.tar.gz'), longAgo, longAgo);
    }
  }
  const reports: PruneReport[] = [];
  let enough = (): void => {};
  const pruned = new Promise<void>((resolve) => (enough = resolve));
  const onReport = (report: PruneReport): void => {
    reports.push(report);
    if (reports.length === 3) enough();
  };
  await using second = managerOf({ policy: { maxUnusedDays: 30 }, everyMs: 5, onReport });
  await second.pullKclPackage('core', '2.0.0');
  await pruned;
  expect(reports[0]?.removed).toMatchObject([
    { reference: `${registry.host}/kcl/core:1.0.0`, reason: 'unused' },
  ]);
  expect(await readdir(join(work.path, 'cache/kcl/core'))).toEqual(['2.0.0']);
});
