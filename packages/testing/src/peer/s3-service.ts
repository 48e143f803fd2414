import { createHash, createHmac } from 'node:crypto';

/** An S3 service with buckets of its own. */
export interface S3Service {
  /** `http://127.0.0.1:<port>`; buckets are named in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: S3Credentials;
  /** Makes a bucket of a name that no other test has. */
  createBucket(): Promise<string>;
  /** Ends the service, whose buckets stay. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Waits until a service answers anything. @throws Error after a minute */
export async function answers(url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const isUp = await fetch(url).then(
      async (response) => {
        await response.body?.cancel();
        return true;
      },
      () => false,
    );
    if (isUp) return;
    if (performance.now() > deadline) throw new Error(`${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Makes a bucket by a request that is signed as S3 wants it (Signature Version 4). */
export async function putBucket(
  { endpoint, region, credentials }: Pick<S3Service, 'endpoint' | 'region' | 'credentials'>,
  bucket: string,
): Promise<void> {
  const { host } = new URL(endpoint);
  const date = new Date().toISOString().replace(/[:-]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const payload = 'UNSIGNED-PAYLOAD';
  const signed = 'host;x-amz-content-sha256;x-amz-date';
  const headers = `host:${host}\nx-amz-content-sha256:${payload}\nx-amz-date:${date}\n`;
  const request = `PUT\n/${bucket}\n\n${headers}\n${signed}\n${payload}`;
  const hash = createHash('sha256').update(request).digest('hex');
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${credentials.secretAccessKey}`,
    );
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash}`;
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  const answer = await fetch(`${endpoint}/${bucket}`, {
    method: 'PUT',
    headers: { authorization, 'x-amz-content-sha256': payload, 'x-amz-date': date },
  });
  if (!answer.ok) throw new Error(`no bucket ${bucket}: ${answer.status} ${await answer.text()}`);
}
