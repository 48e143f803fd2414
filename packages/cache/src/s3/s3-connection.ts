import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

import { type Deadlines, type S3Deadlines, deadlinesOf, watchAnswers } from './deadlines.js';

/** How the service of a bucket is reached. */
export interface S3ConnectionOptions {
  /** URL of the service. Default: that of AWS for the region. */
  readonly endpoint?: string | undefined;
  /** Default: what the environment or the platform says. */
  readonly region?: string | undefined;
  /** Name the bucket in the path and not in the host. Default false. */
  readonly pathStyle?: boolean | undefined;
  /** Default: those of the environment, the AWS configuration files, or the platform. */
  readonly credentials?: S3ClientConfig['credentials'];
  /** PEM of the authorities that the service's certificate may be of. Default: the system's. */
  readonly ca?: string | undefined;
  /** Take any certificate. Default false. */
  readonly insecure?: boolean | undefined;
  readonly deadlines?: S3Deadlines | undefined;
}

/** Connections kept, each of which a download or an upload may hold for long. */
const maxSockets = 512;

/** Opens two clients with the same connections, of which one sends each request once. */
export function connect(options: S3ConnectionOptions): {
  readonly client: S3Client;
  readonly once: S3Client;
  readonly deadlines: Deadlines;
} {
  const deadlines = deadlinesOf(options.deadlines);
  const { endpoint, region, pathStyle, credentials, ca, insecure } = options;
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    forcePathStyle: pathStyle ?? false,
    // A checksum of its own is not understood by every store; digests are verified by who stores here.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: deadlines.connectMs,
      requestTimeout: deadlines.answerMs,
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent({ keepAlive: true, maxSockets }),
      httpsAgent: new HttpsAgent({
        keepAlive: true,
        maxSockets,
        rejectUnauthorized: !insecure,
        ...(ca !== undefined && { ca }),
      }),
    },
  });
  const { requestHandler, credentials: known } = client.config;
  const once = new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    region: client.config.region,
    credentials: known,
    forcePathStyle: pathStyle ?? false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler,
  });
  for (const each of [client, once]) watchAnswers(each, deadlines);
  return { client, once, deadlines };
}
