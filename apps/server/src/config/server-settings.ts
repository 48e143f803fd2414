import { join } from 'node:path';

import type { SettingInputs, SettingValues, Settings, UserDirectories } from '@oci/manager/config';

/** The settings that `oci-server` has beside those of `@oci/manager/config`. */
export const serverSettings = {
  'server.listen': {
    kind: 'text',
    description: 'address that oci-server listens on, host:port',
    flag: '--listen',
    default: '127.0.0.1:5000',
  },
  'server.data_dir': {
    kind: 'path',
    description: 'where oci-server keeps hosted repositories',
    flag: '--data-dir',
    default: ({ data }: UserDirectories): string => join(data, 'oci-server'),
  },
  'server.storage.kind': {
    kind: { choice: ['file', 's3'] },
    description: 'file, below data_dir, or s3',
    default: 'file',
  },
  'server.storage.bucket': { kind: 'text', description: 'bucket of hosted repositories' },
  'server.storage.prefix': { kind: 'text', description: 'in front of every key in the bucket' },
  'server.storage.endpoint': {
    kind: 'text',
    description: 'URL of the S3 service; default that of AWS',
  },
  'server.storage.region': {
    kind: 'text',
    description: 'region of the bucket; default what the environment says',
  },
  'server.storage.path_style': {
    kind: 'flag',
    description: 'name the bucket in the path of URLs, not in the host',
    default: false,
  },
  'server.storage.ca_file': {
    kind: 'path',
    description: 'authorities of the S3 service, PEM',
  },
  'server.storage.insecure': {
    kind: 'flag',
    description: 'take any certificate of the S3 service',
    default: false,
  },
  'server.storage.access_key_id_file': {
    kind: 'path',
    description: 'access key; default what the environment or the platform says',
  },
  'server.storage.secret_access_key_file': { kind: 'path', description: 'its secret' },
  'server.storage.session_token_file': { kind: 'path', description: 'its session token' },
  'server.verify_interval_ms': {
    kind: 'milliseconds',
    description:
      'time between two verifications of the storage; 0 for none; default 7 days for files, none for a bucket',
  },
  'server.verify_bytes_per_second': {
    kind: 'bytes',
    description: 'bytes that a verification reads in a second; 0 for no limit',
    flag: '--bytes-per-second',
    default: 52_428_800,
  },
  'server.allow_plain_http': {
    kind: 'flag',
    description: 'listen where other machines reach it, without TLS',
    flag: '--allow-plain-http',
    default: false,
  },
  'server.public_url': {
    kind: 'text',
    description: 'what clients call the server, when a proxy changes it',
  },
  'server.tls_cert_file': { kind: 'path', description: 'certificate of the server, PEM' },
  'server.tls_key_file': { kind: 'path', description: 'its key, PEM' },
  'server.client_ca_file': { kind: 'path', description: 'authorities of client certificates, PEM' },
  'server.require_client_certificate': {
    kind: 'flag',
    description: 'refuse connections without a client certificate',
    default: false,
  },
  'server.trusted_proxies': {
    kind: 'list',
    description:
      'addresses or subnets of proxies whose X-Forwarded-For, -Proto and -Host are believed',
    default: [],
  },
  'server.shutdown_grace_ms': {
    kind: 'milliseconds',
    description: 'how long requests may run on after SIGTERM',
    default: 30_000,
  },
  'server.log_level': {
    kind: { choice: ['trace', 'debug', 'info', 'warn', 'error', 'silent'] },
    description: 'trace, debug, info, warn, error or silent',
    flag: '--log-level',
    default: 'info',
  },
  'server.max_connections': { kind: 'count', description: 'connections at once', default: 4096 },
  'server.max_connections_per_client': {
    kind: 'count',
    description: 'connections at once of one address, at most half of max_connections',
    default: 1024,
  },
  'server.max_upload_bytes': {
    kind: 'count',
    description: 'bytes of one blob that is pushed',
    default: 21_474_836_480,
  },
  'server.sparse_manifests': {
    kind: 'flag',
    description: 'take manifests and indexes whose content is missing',
    default: false,
  },
  'server.requests_per_second': {
    kind: 'count',
    description: 'requests of one client a second, ten times as many at once; 0 for no limit',
    default: 0,
  },
  'server.webhooks': {
    kind: 'tables',
    description: 'webhooks: url, secret_file, events, repositories',
    default: [],
  },
  'server.event_source': {
    kind: 'text',
    description: 'source of events, a URI; default public_url, else oci-server',
  },
  'server.gc_interval_ms': {
    kind: 'milliseconds',
    description: 'time between two collections of the storage; 0 for none',
    default: 86_400_000,
  },
  'server.gc_objects_per_second': {
    kind: 'count',
    description: 'objects that a collection looks at in a second; 0 for no limit',
    default: 2000,
  },
  'server.quotas': {
    kind: 'tables',
    description: 'quotas: namespace, max_bytes',
    default: [],
  },
  'server.immutable_tags': {
    kind: 'tables',
    description: 'tags that nobody moves: repositories, tags, except, allow_delete',
    default: [],
  },
  'server.retention': {
    kind: 'tables',
    description:
      'what stays: repositories, tags, keep_last, keep_days, keep_pulled_days, untagged_days',
    default: [],
  },
  'access.token_key_file': {
    kind: 'path',
    description: '32 bytes that sign the tokens of the registry flow, shared by replicas',
  },
  'access.tokens': { kind: 'tables', description: 'tokens: name, hash, expires', default: [] },
  'access.issuers': {
    kind: 'tables',
    description: 'issuers of JWTs: issuer, audience, jwks_url',
    default: [],
  },
  'access.rules': { kind: 'tables', description: 'rules: who, namespaces, actions', default: [] },
  'audit.enabled': { kind: 'flag', description: 'write an audit log', default: true },
  'audit.dir': { kind: 'path', description: 'where the audit log is; default data_dir/audit' },
  'audit.key_file': { kind: 'path', description: 'makes the chain of the audit log unforgeable' },
  'audit.max_file_bytes': {
    kind: 'count',
    description: 'bytes after which a file is put aside',
    default: 67_108_864,
  },
  'audit.keep_files': {
    kind: 'count',
    description: 'files that are kept; 0 keeps all',
    default: 0,
  },
  'audit.required': {
    kind: 'flag',
    description: 'refuse requests while the audit log cannot be written',
    default: false,
  },
} as const;

/** The values of all settings that the server reads. */
export type ServerValues = SettingValues<typeof serverSettings>;

/** All settings that the server reads, with where they came from. */
export type LoadedServerSettings = Settings<typeof serverSettings>;

/** What the server's settings are loaded from. */
export type ServerSettingInputs = SettingInputs<typeof serverSettings>;
