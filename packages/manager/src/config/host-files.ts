import type { MirrorOptions } from '@oci/client';
import { OciError, type RegistryHost } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { RegistrySettings } from '../registry-set.js';
import type { HostSettings, MirrorTable } from './host-settings.js';
import type { SettingValues } from './settings.js';

/** What is known of a registry from several places; the first that says something counts. */
export type RegistryLookup = (host: RegistryHost) => RegistrySettings | undefined;

/** Reads the files that the tables name. @throws OciError `CONFIG_INVALID` */
export async function lookupOf({
  registries,
  mirrors,
}: Pick<SettingValues, 'registries' | 'mirrors'>): Promise<RegistryLookup> {
  const found = new Map<string, RegistrySettings>();
  for (const host of new Set([...registries.keys(), ...mirrors.keys()])) {
    const own = registries.get(host);
    const places = await Promise.all((mirrors.get(host) ?? []).map(mirrorOf));
    found.set(host, {
      ...(own && (await hostOptionsOf(own))),
      blocked: own?.blocked,
      ...(places.length > 0 && { mirrors: places }),
    });
  }
  return (host) => found.get(host);
}

async function mirrorOf(table: MirrorTable): Promise<MirrorOptions> {
  const { location, repositories, pull_from_mirror: pullFrom, ns } = table;
  return { ...(await hostOptionsOf(table)), location, repositories, pullFrom, ns };
}

/** With the texts of the files. @throws OciError `CONFIG_INVALID` */
async function hostOptionsOf(host: HostSettings): Promise<RegistrySettings> {
  const { client_cert_file: certFile, client_key_file: keyFile, ca_file: caFile } = host;
  const clientCertificate =
    certFile === undefined || keyFile === undefined
      ? undefined
      : { cert: await readPem(certFile), key: await readPem(keyFile) };
  return {
    plainHttp: host.plain_http,
    insecure: host.insecure,
    trustedRealms: host.trusted_realms,
    headers: host.headers,
    ca: caFile === undefined ? undefined : await readPem(caFile),
    clientCertificate,
  };
}

/** @throws OciError `CONFIG_INVALID` */
export async function readPem(path: string): Promise<string> {
  try {
    return String(await readNamedFile(path));
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `the certificate file ${path} cannot be read`, {
      cause,
      hint: 'It is named in the configuration.',
      reason: { kind: 'named-file-unreadable', file: 'certificate' },
    });
  }
}
