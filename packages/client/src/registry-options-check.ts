import { isObject } from '@oci/spec-types/schemas';

import type { DownloadPolicy } from './download/download-policy.js';
import type { ClientCertificate, HostOptions } from './host-options.js';
import type { MirrorOptions } from './mirrors/mirror.js';
import {
  type Kind,
  type Kinds,
  amount,
  callback,
  checkOptions,
  count,
  flag,
  group,
  objects,
  oneOf,
  positive,
  text,
  texts,
} from './option-check.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { RegistryOptions } from './registry-options.js';
import type { BodyLimits } from './transport/bounded-body.js';
import type { Timeouts } from './transport/connection-options.js';
import type { PacePolicy } from './transport/host-pace.js';
import type { RetryPolicy } from './transport/retry-policy.js';

const headers: Kind = [
  'an object of text, or a function that finds one',
  (value) => typeof value === 'function' || (isObject(value) && Object.values(value).every(isText)),
];
const policy: Kind = [
  'anonymous, fail or a function',
  (value) => typeof value === 'function' || value === 'anonymous' || value === 'fail',
];
const asciiLine: Kind = [
  'one line of ASCII text',
  (value) => typeof value === 'string' && /^[\x20-\x7e]*$/.test(value),
];

const host: Kinds<HostOptions> = {
  plainHttp: flag,
  credentials: callback,
  onHelperFailure: policy,
  trustedRealms: texts,
  publicOnly: flag,
  insecure: flag,
  ca: text,
  clientCertificate: group<ClientCertificate>({ cert: text, key: text, passphrase: text }),
  headers,
};

const mirror: Kinds<MirrorOptions> = {
  ...host,
  location: text,
  repositories: text,
  pullFrom: oneOf('all', 'digest-only', 'tag-only'),
  ns: flag,
};

const registry: Kinds<RegistryOptions> = {
  ...host,
  url: text,
  mirrors: objects,
  retry: group<RetryPolicy>({
    attempts: count,
    baseDelayMs: amount,
    maxDelayMs: amount,
    maxWaitMs: amount,
    random: callback,
    delay: callback,
  }),
  limits: group<BodyLimits>({
    manifestBytes: positive,
    errorBytes: positive,
    tokenBytes: positive,
    pageBytes: positive,
    pages: positive,
  }),
  download: group<DownloadPolicy>({
    connections: positive,
    segmentBytes: positive,
    leastBytes: positive,
    parallelFrom: amount,
    stallMs: positive,
    enoughBytesPerSecond: amount,
    workers: amount,
  }),
  timeouts: group<Timeouts>({ connectMs: amount, headersMs: amount, idleMs: amount }),
  pace: group<PacePolicy>({
    bodies: positive,
    mostBodies: positive,
    metadata: positive,
    idleMs: amount,
  }),
  bytesPerSecond: positive,
  proxy: {
    kind: ['an object, or false', (value) => value === false || isObject(value)],
    members: { httpProxy: text, httpsProxy: text, noProxy: text } satisfies Kinds<ProxyOptions>,
  },
  tokenCacheFile: text,
  userAgent: asciiLine,
  observer: callback,
};

/** Checks the name, kind and range of each option, of mirrors too. @throws OciError `USAGE` */
export function checkRegistryOptions(options: Partial<RegistryOptions>): void {
  checkOptions(options, registry);
  for (const [at, one] of (options.mirrors ?? []).entries())
    checkOptions(one, mirror, `mirrors[${at}].`);
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
