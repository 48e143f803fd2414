import { type S3Service, startVersitygw, temporaryDirectory } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { bucketServersSuite, startOnBucket } from '../../test/bucket-servers-suite.js';

describePeer('versitygw', 'servers of one bucket', () => {
  let gateway: S3Service;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  bucketServersSuite(() => gateway);

  test('are not ready while the bucket is down', async () => {
    await using work = await temporaryDirectory();
    const bucket = await gateway.createBucket();
    const server = await startOnBucket(work.path, gateway, { bucket });
    const ready = async () => (await fetch(`${server.url}/readyz`)).status;
    expect(await ready()).toBe(200);
    await gateway.stop();
    expect(await ready()).toBe(503);
    await server.close();
  });
});
