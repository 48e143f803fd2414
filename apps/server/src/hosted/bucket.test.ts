import { type S3Service, startVersitygw } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll } from 'vitest';

import { bucketSuite } from '../../test/bucket-suite.js';

describePeer('versitygw', 'a bucket of S3', () => {
  let gateway: S3Service;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  bucketSuite(() => gateway);
});
