import type { SettingDefinition } from './settings.js';

/** The kinds of what `oci-server` alone reads; keys without a default may be absent. */
export interface ServerSettingKinds {
  'server.listen': 'text';
  'server.data_dir': 'path';
  'server.allow_plain_http': 'flag';
  'server.public_url': 'text';
  'server.tls_cert_file': 'path';
  'server.tls_key_file': 'path';
  'server.client_ca_file': 'path';
  'server.require_client_certificate': 'flag';
  'server.trusted_proxies': 'list';
  'server.shutdown_grace_ms': 'milliseconds';
  'server.log_level': 'text';
  'server.max_connections': 'count';
  'server.max_connections_per_client': 'count';
  'server.max_upload_bytes': 'count';
  'server.sparse_manifests': 'flag';
  'server.requests_per_second': 'count';
  'access.token_key_file': 'path';
  'access.tokens': 'tables';
  'access.issuers': 'tables';
  'access.rules': 'tables';
  'audit.enabled': 'flag';
  'audit.dir': 'path';
  'audit.key_file': 'path';
  'audit.max_file_bytes': 'count';
  'audit.keep_files': 'count';
  'audit.required': 'flag';
}

export const serverSettings: {
  readonly [K in keyof ServerSettingKinds]: SettingDefinition & {
    readonly kind: ServerSettingKinds[K];
  };
} = {
  'server.listen': {
    kind: 'text',
    description: 'address that oci-server listens on, host:port',
    flag: '--listen',
  },
  'server.data_dir': {
    kind: 'path',
    description: 'where oci-server keeps hosted repositories',
    flag: '--data-dir',
  },
  'server.allow_plain_http': {
    kind: 'flag',
    description: 'listen where other machines reach it, without TLS',
    flag: '--allow-plain-http',
  },
  'server.public_url': {
    kind: 'text',
    description: 'what clients call the server, when a proxy changes it',
  },
  'server.tls_cert_file': { kind: 'path', description: 'certificate of the server, PEM' },
  'server.tls_key_file': { kind: 'path', description: 'its key, PEM' },
  'server.client_ca_file': {
    kind: 'path',
    description: 'authorities of client certificates, PEM',
  },
  'server.require_client_certificate': {
    kind: 'flag',
    description: 'refuse connections without a client certificate',
  },
  'server.trusted_proxies': {
    kind: 'list',
    description:
      'addresses or subnets of proxies whose X-Forwarded-For, -Proto and -Host are believed',
  },
  'server.shutdown_grace_ms': {
    kind: 'milliseconds',
    description: 'how long requests may run on after SIGTERM',
  },
  'server.log_level': {
    kind: 'text',
    description: 'trace, debug, info, warn, error or silent',
    flag: '--log-level',
  },
  'server.max_connections': { kind: 'count', description: 'connections at once' },
  'server.max_connections_per_client': {
    kind: 'count',
    description: 'connections at once of one address, at most half of max_connections',
  },
  'server.max_upload_bytes': { kind: 'count', description: 'bytes of one blob that is pushed' },
  'server.sparse_manifests': {
    kind: 'flag',
    description: 'take manifests and indexes whose content is missing',
  },
  'server.requests_per_second': {
    kind: 'count',
    description: 'requests of one client a second, ten times as many at once; 0 for no limit',
  },
  'access.token_key_file': {
    kind: 'path',
    description: '32 bytes that sign the tokens of the registry flow, shared by replicas',
  },
  'access.tokens': { kind: 'tables', description: 'tokens: name, hash, expires' },
  'access.issuers': { kind: 'tables', description: 'issuers of JWTs: issuer, audience, jwks_url' },
  'access.rules': { kind: 'tables', description: 'rules: who, namespaces, actions' },
  'audit.enabled': { kind: 'flag', description: 'write an audit log' },
  'audit.dir': { kind: 'path', description: 'where the audit log is; default data_dir/audit' },
  'audit.key_file': { kind: 'path', description: 'makes the chain of the audit log unforgeable' },
  'audit.max_file_bytes': { kind: 'count', description: 'bytes after which a file is put aside' },
  'audit.keep_files': { kind: 'count', description: 'files that are kept; 0 keeps all' },
  'audit.required': {
    kind: 'flag',
    description: 'refuse requests while the audit log can not be written',
  },
};

/** Keys of these that may be absent. */
export type OptionalServerKey =
  | 'server.public_url'
  | 'server.tls_cert_file'
  | 'server.tls_key_file'
  | 'server.client_ca_file'
  | 'access.token_key_file'
  | 'audit.dir'
  | 'audit.key_file';

/** All others have a default. */
export const serverDefaults = {
  'server.listen': '127.0.0.1:5000',
  'server.allow_plain_http': false,
  'server.require_client_certificate': false,
  'server.trusted_proxies': [] as readonly string[],
  'server.shutdown_grace_ms': 30_000,
  'server.log_level': 'info',
  'server.max_connections': 4096,
  'server.max_connections_per_client': 1024,
  'server.max_upload_bytes': 21_474_836_480,
  'server.sparse_manifests': false,
  'server.requests_per_second': 0,
  'access.tokens': [] as readonly never[],
  'access.issuers': [] as readonly never[],
  'access.rules': [] as readonly never[],
  'audit.enabled': true,
  'audit.max_file_bytes': 67_108_864,
  'audit.keep_files': 0,
  'audit.required': false,
} as const;
