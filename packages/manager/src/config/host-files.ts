import type { MirrorOptions } from '@oci/client';
import { OciError, type RegistryHost } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { RegistrySettings } from '../registry-set.js';
import type { HostSettings, HostTables, MirrorSettings } from './host-settings.js';

/** What is known of a registry from several places; the first that says something counts. */
export type RegistryLookup = (host: RegistryHost) => RegistrySettings | undefined;

/** Reads the files that the tables name. @throws OciError `CONFIG_INVALID` */
export async function lookupOf(tables: HostTables): Promise<RegistryLookup> {
  const found = new Map<string, RegistrySettings>();
  for (const host of new Set([...tables.registries.keys(), ...tables.mirrors.keys()])) {
    const own = tables.registries.get(host) ?? {};
    const mirrors = await Promise.all((tables.mirrors.get(host) ?? []).map(mirrorOf));
    found.set(host, {
      ...(await hostOptionsOf(own)),
      blocked: own.blocked,
      ...(mirrors.length > 0 && { mirrors }),
    });
  }
  return (host) => found.get(host);
}

async function mirrorOf(settings: MirrorSettings): Promise<MirrorOptions> {
  const { location, repositories, pullFrom, ns } = settings;
  return { ...(await hostOptionsOf(settings)), location, repositories, pullFrom, ns };
}

/** With the texts of the files. @throws OciError `CONFIG_INVALID` */
async function hostOptionsOf(settings: HostSettings): Promise<RegistrySettings> {
  const { plainHttp, insecure, trustedRealms, headers } = settings;
  const { caFile, clientCertFile, clientKeyFile } = settings;
  const clientCertificate =
    clientCertFile === undefined || clientKeyFile === undefined
      ? undefined
      : { cert: await readPem(clientCertFile), key: await readPem(clientKeyFile) };
  const ca = caFile === undefined ? undefined : await readPem(caFile);
  return { plainHttp, insecure, trustedRealms, headers, ca, clientCertificate };
}

/** @throws OciError `CONFIG_INVALID` */
export async function readPem(path: string): Promise<string> {
  try {
    return String(await readNamedFile(path));
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `the certificate file ${path} can not be read`, {
      cause,
      hint: 'It is named in the configuration.',
      reason: { kind: 'named-file-unreadable', file: 'certificate' },
    });
  }
}
