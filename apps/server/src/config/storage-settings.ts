import { OciError } from '@oci/spec-types';

import type { S3StorageOptions, StorageOptions } from '../hosted/storage.js';
import { readSettingFile } from './secret-file.js';
import type { LoadedServerSettings, ServerValues } from './server-settings.js';

/** Reads `server.storage`. @throws OciError `CONFIG_INVALID` */
export async function storageOptions({ values }: LoadedServerSettings): Promise<StorageOptions> {
  const bucket = values['server.storage.bucket'];
  if (values['server.storage.kind'] === 'file') {
    if (bucket === undefined) return { kind: 'file' };
    throw invalid('server.storage.bucket is set, and server.storage.kind is file', {
      hint: 'Set server.storage.kind to s3, or remove the bucket.',
    });
  }
  if (bucket === undefined || bucket === '') {
    throw invalid('server.storage.kind is s3, and no bucket is named', {
      hint: 'Set server.storage.bucket.',
    });
  }
  const caFile = values['server.storage.ca_file'];
  const endpoint = values['server.storage.endpoint'];
  if (endpoint !== undefined) refuseEndpoint(endpoint);
  return {
    kind: 's3',
    bucket,
    prefix: prefixOf(values['server.storage.prefix']),
    endpoint,
    region: values['server.storage.region'],
    pathStyle: values['server.storage.path_style'],
    insecure: values['server.storage.insecure'],
    ca: caFile === undefined ? undefined : await read('server.storage.ca_file', caFile),
    credentials: await credentialsOf(values),
  };
}

async function credentialsOf(values: ServerValues): Promise<S3StorageOptions['credentials']> {
  const idFile = values['server.storage.access_key_id_file'];
  const secretFile = values['server.storage.secret_access_key_file'];
  const tokenFile = values['server.storage.session_token_file'];
  if (idFile === undefined && secretFile === undefined && tokenFile === undefined) return undefined;
  if (idFile === undefined || secretFile === undefined) {
    throw invalid('an access key needs its secret', {
      hint: 'Set server.storage.access_key_id_file and server.storage.secret_access_key_file.',
    });
  }
  return {
    accessKeyId: await read('server.storage.access_key_id_file', idFile),
    secretAccessKey: await read('server.storage.secret_access_key_file', secretFile),
    ...(tokenFile !== undefined && {
      sessionToken: await read('server.storage.session_token_file', tokenFile),
    }),
  };
}

async function read(setting: string, path: string): Promise<string> {
  return (await readSettingFile(setting, path)).toString('utf8').trim();
}

function refuseEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url && ['http:', 'https:'].includes(url.protocol) && url.username === '') return;
  throw invalid('server.storage.endpoint is no URL of http or https', {
    hint: 'Write it as https://s3.example.com; credentials have settings of their own.',
  });
}

function prefixOf(prefix: string | undefined): string | undefined {
  if (prefix === undefined || prefix === '') return undefined;
  if (
    /^[A-Za-z0-9_@+=-][A-Za-z0-9._:@+=-]*(?:\/[A-Za-z0-9_@+=-][A-Za-z0-9._:@+=-]*)*\/?$/.test(
      prefix,
    ) &&
    prefix.length <= 200
  )
    return prefix;
  throw invalid('server.storage.prefix has other than letters, digits and ._:@+=-/', {
    hint: 'Write it as team/registry.',
  });
}

function invalid(message: string, options: { readonly hint: string }): OciError {
  return new OciError('CONFIG_INVALID', message, options);
}
