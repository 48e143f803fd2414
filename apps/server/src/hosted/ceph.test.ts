import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type S3Service,
  peer,
  radosgwPrograms,
  run,
  startRadosgw,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { bucketServersSuite, startOnBucket } from '../../test/bucket-servers-suite.js';
import { bucketSuite } from '../../test/bucket-suite.js';

/** Four daemons begin, and answer hundreds of requests, on what may be a busy machine. */
const patience = 600_000;

describePeer(radosgwPrograms, "a bucket of Ceph's radosgw", () => {
  let ceph: S3Service;
  beforeAll(async () => {
    ceph = await startRadosgw();
  }, patience);
  afterAll(() => ceph.close());

  bucketSuite(() => ceph);
  bucketServersSuite(() => ceph);

  describePeer('conformance', 'the conformance suite of the distribution specification', () => {
    test(
      'passes without a skip',
      async () => {
        await using work = await temporaryDirectory();
        const bucket = await ceph.createBucket();
        const server = await startOnBucket(work.path, ceph, { bucket });
        const env = {
          OCI_VERSION: '1.1',
          OCI_REGISTRY: new URL(server.url).host,
          OCI_TLS: 'disabled',
          OCI_RESULTS_DIR: '.',
        };
        const suite = await run(peer('conformance') ?? '', [], { cwd: work.path, env });
        await server.close();
        const results = await readFile(join(work.path, 'results.yaml'), 'utf8');
        const wrong = results.split('\n').filter((line) => /: (?:Skip|FAIL|Error)$/.test(line));
        expect({ exitCode: suite.exitCode, wrong }).toEqual({ exitCode: 0, wrong: [] });
        expect(results).toMatch(/: Pass$/m);
      },
      patience,
    );
  });
});
