import { createHash } from 'node:crypto';

import { OciError, parseRegistryHost, parseRepositoryName } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { FingerprintedAuthority, TrustRequirement, TrustRule } from '../trust-policy.js';
import type { TableReader } from './table-reader.js';

/** What a configuration says of who has to have signed, with the paths of its files. */
export interface TrustSettings {
  readonly require: TrustRequirement;
  readonly keys: readonly string[];
  readonly trustedRoot?: string | undefined;
  readonly identity?: string | undefined;
  readonly issuer?: string | undefined;
}

/** `host`, `host/path` or `*`. @throws OciError `REFERENCE_INVALID` */
export function parseTrustScope(text: string): string {
  if (text === '*') return text;
  const [name = '', ...path] = text.split('/');
  // As references are read: a rule for Registry.Example or index.docker.io must not be for nobody.
  const host = parseRegistryHost(name);
  return path.length === 0 ? host : `${host}/${parseRepositoryName(path.join('/'))}`;
}

/** @throws OciError `CONFIG_INVALID` */
export function readTrust(table: TableReader): TrustSettings {
  const settings = {
    require: table.choice('require', ['signature', 'nothing', 'reject']) ?? 'signature',
    keys: table.paths('keys') ?? [],
    trustedRoot: table.path('trusted_root'),
    identity: table.text('certificate_identity'),
    issuer: table.text('certificate_oidc_issuer'),
  } as const;
  table.end();
  const { require, keys, trustedRoot, identity, issuer } = settings;
  const keyless = [trustedRoot, identity, issuer].filter((value) => value !== undefined);
  if (keyless.length % 3 > 0) {
    throw table.invalid(
      'needs trusted_root, certificate_identity and certificate_oidc_issuer together',
    );
  }
  const isGiven = keys.length > 0 || keyless.length > 0;
  if (require === 'signature' && !isGiven)
    throw table.invalid('requires a signature, and does not say whose: keys, or a trusted_root');
  if (require !== 'signature' && isGiven)
    throw table.invalid(`says whose signature, and requires ${require}`);
  return settings;
}

/** The rules of the tables; the files are read when the first artifact needs them. */
export function trustRules(tables: ReadonlyMap<string, TrustSettings>): readonly TrustRule[] {
  return [...tables].map(([scope, settings]) => {
    let loading: Promise<FingerprintedAuthority> | undefined;
    const authority = (): Promise<FingerprintedAuthority> =>
      (loading ??= loadAuthority(scope, settings));
    return { scope, require: settings.require, authority };
  });
}

async function loadAuthority(
  scope: string,
  { keys, trustedRoot, identity = '', issuer = '' }: TrustSettings,
): Promise<FingerprintedAuthority> {
  const { keylessVerifier, readPublicKey } = await import('../signing/index.js');
  const hash = createHash('sha256');
  const contentOf = async (path: string): Promise<Buffer> => {
    const bytes = await readNamedFile(path).catch((cause: unknown) => {
      throw unusable(scope, path, cause);
    });
    hash.update(`${bytes.byteLength} `).update(bytes);
    return bytes;
  };
  const read = [];
  for (const path of keys) {
    const text = String(await contentOf(path));
    read.push(orUnusable(scope, path, () => readPublicKey(text)));
  }
  hash.update(JSON.stringify([identity, issuer]));
  if (trustedRoot === undefined) return { keys: read, fingerprint: hash.digest('hex') };
  const root = await contentOf(trustedRoot);
  const keyless = orUnusable(scope, trustedRoot, () =>
    keylessVerifier(root, [{ identity, issuer }]),
  );
  return { keys: read, keyless, fingerprint: hash.digest('hex') };
}

function orUnusable<T>(scope: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unusable(scope, path, cause);
  }
}

function unusable(scope: string, path: string, cause: unknown): OciError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new OciError('CONFIG_INVALID', `trust."${scope}": ${path} can not be used: ${words}`, {
    cause,
    hint: 'Without it nothing of this scope can be trusted.',
  });
}
