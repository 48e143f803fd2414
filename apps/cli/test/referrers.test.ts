import { image, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { ocictl } from './ocictl.js';

test('lists the first referrers by --limit, and refuses to list more than 1000', async () => {
  await using registry = await startRegistry({ pageSize: 100 });
  await using work = await temporaryDirectory();
  const command = ocictl(work.path, registry.url);
  const subject = image();
  registry.putArtifact('team/tool', '1.0.0', subject);
  for (let number = 0; number <= 1000; number += 1) {
    const annotations = { number: String(number) };
    const about = { subject: subject.manifest.descriptor, annotations };
    registry.putArtifact('team/tool', `of-${number}`, image({ layers: [], ...about }));
  }
  const all = await command('referrers', 'team/tool:1.0.0');
  expect(all).toMatchObject({ exitCode: 9, stdout: '' });
  expect(all.stderr).toContain('more than 1000 manifests refer to it');
  expect(all.stderr).toContain('--limit N');
  const asked = registry.requests.length;
  const some = await command('-q', 'referrers', 'team/tool:1.0.0', '--limit', '150');
  expect(some).toMatchObject({ exitCode: 0, stderr: '' });
  expect(some.stdout.trim().split('\n')).toHaveLength(150);
  const pages = registry.requests.slice(asked).filter(({ path }) => path.includes('/referrers/'));
  expect(pages).toHaveLength(2);
});
