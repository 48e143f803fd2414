import { join } from 'node:path';

import { loadSettings, managerOptions, routeTable } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import { Access } from '../access/access.js';
import { parseListenAddress } from '../listen-address.js';
import { TrustedProxies } from '../http/client-address.js';
import { type TlsOptions, checkTls } from '../http/listener.js';
import { type ServerOptions, refusePublicHttp } from '../server-options.js';
import { accessOptions } from './access-settings.js';
import { hostedRules } from './rule-settings.js';
import { readKeyFile, readSettingFile } from './secret-file.js';
import { eventOptions } from './webhook-settings.js';
import { quotaOptions } from './quota-settings.js';
import { storageOptions } from './storage-settings.js';
import {
  type LoadedServerSettings,
  type ServerSettingInputs,
  serverSettings,
} from './server-settings.js';

export interface Configuration {
  readonly options: ServerOptions;
  readonly settings: LoadedServerSettings;
}

/**
 * Reads and checks everything that the server is told, before it opens anything.
 *
 * @throws OciError `CONFIG_INVALID`, `POLICY_REFUSED`
 */
export async function loadConfiguration(inputs: ServerSettingInputs): Promise<Configuration> {
  const settings = await loadSettings(inputs, serverSettings);
  const { values } = settings;
  const dataDir = values['server.data_dir'];
  const options: ServerOptions = {
    listen: parseListenAddress(values['server.listen']),
    dataDir: join(dataDir, 'registry'),
    storage: await storageOptions(settings),
    verification: {
      intervalMs: values['server.verify_interval_ms'],
      bytesPerSecond: values['server.verify_bytes_per_second'],
    },
    manager: await ownManagerOptions(settings),
    installDir: isSet(settings, 'install_dir') ? values.install_dir : join(dataDir, 'extensions'),
    allowPlainHttp: values['server.allow_plain_http'],
    tls: await tlsOptions(settings),
    publicUrl: values['server.public_url'],
    access: await accessOptions(settings),
    audit: await auditOptions(settings),
    events: await eventOptions(settings),
    limits: {
      maxConnections: values['server.max_connections'],
      maxConnectionsPerClient: values['server.max_connections_per_client'],
      maxUploadBytes: values['server.max_upload_bytes'],
      requestsPerSecond: values['server.requests_per_second'],
    },
    collection: {
      intervalMs: values['server.gc_interval_ms'],
      objectsPerSecond: values['server.gc_objects_per_second'],
    },
    quotas: quotaOptions(settings),
    rules: hostedRules(settings),
    sparseManifests: values['server.sparse_manifests'],
    trustedProxies: values['server.trusted_proxies'],
    logLevel: values['server.log_level'],
    shutdownGraceMs: values['server.shutdown_grace_ms'],
  };
  refusePublicHttp(options);
  if (options.tls) checkTls(options.tls);
  void new Access(options.access, options.tls?.clientCa);
  void new TrustedProxies(options.trustedProxies ?? []);
  if (isSet(settings, 'registry_url')) void routeTable(values);
  return { options, settings };
}

/** Without a registry of somebody else's, the server manages its own. */
async function ownManagerOptions(
  settings: LoadedServerSettings,
): Promise<ServerOptions['manager']> {
  const { values } = settings;
  const manager = await managerOptions(settings);
  const dataDir = values['server.data_dir'];
  return {
    ...manager,
    registryUrl: isSet(settings, 'registry_url') ? manager.registryUrl : undefined,
    cacheDir: isSet(settings, 'cache_dir') ? manager.cacheDir : join(dataDir, 'cache'),
  };
}

function isSet(
  { sources }: LoadedServerSettings,
  key: 'registry_url' | 'cache_dir' | 'install_dir',
): boolean {
  return sources.get(key)?.from !== 'default';
}

async function tlsOptions({ values }: LoadedServerSettings): Promise<TlsOptions | undefined> {
  const cert = values['server.tls_cert_file'];
  const key = values['server.tls_key_file'];
  const clientCa = values['server.client_ca_file'];
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new OciError('CONFIG_INVALID', 'TLS needs a certificate and its key', {
      hint: 'Set server.tls_cert_file and server.tls_key_file.',
    });
  }
  return {
    cert: (await readSettingFile('server.tls_cert_file', cert)).toString('utf8'),
    key: (await readSettingFile('server.tls_key_file', key)).toString('utf8'),
    ...(clientCa !== undefined && {
      clientCa: (await readSettingFile('server.client_ca_file', clientCa)).toString('utf8'),
    }),
    requireClientCertificate: values['server.require_client_certificate'],
  };
}

async function auditOptions({ values }: LoadedServerSettings): Promise<ServerOptions['audit']> {
  if (!values['audit.enabled']) return undefined;
  const keyFile = values['audit.key_file'];
  return {
    dir: values['audit.dir'] ?? join(values['server.data_dir'], 'audit'),
    ...(keyFile !== undefined && { key: await readKeyFile('audit.key_file', keyFile) }),
    maxFileBytes: values['audit.max_file_bytes'],
    keepFiles: values['audit.keep_files'],
    required: values['audit.required'],
  };
}
