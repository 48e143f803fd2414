import { OciError, onceDone } from '@oci/spec-types';
import type { GoogleAuthOptions } from 'google-auth-library';

import { cloudSource, loadLibrary } from './cloud-source.js';
import type { CredentialSource } from './credential.js';
import type { ExpiringCredential } from './expiring-credentials.js';

export interface GoogleOptions {
  /** Options of `GoogleAuth`. Default: the application default credentials, for `cloud-platform`. */
  readonly auth?: GoogleAuthOptions | undefined;
}

/** Artifact Registry and Container Registry. */
const googleHost = /^(?:[a-z\d-]+\.)?gcr\.io$|^[a-z\d-]+\.pkg\.dev$/;
const defaultScope = 'https://www.googleapis.com/auth/cloud-platform';

/**
 * Credentials of Google Artifact Registry (`*.pkg.dev`) and `gcr.io`, by `google-auth-library`, which has to
 * be installed. Nothing for other hosts.
 *
 * @throws OciError (the source) `USAGE` without the library, `UNAUTHORIZED` when Google gives no token
 */
export function googleCredentials({ auth = {} }: GoogleOptions = {}): CredentialSource {
  const open = onceDone(() => openIdentity(auth));
  return cloudSource({
    name: 'Google Cloud',
    hint: 'Is there a Google identity? Try: gcloud auth application-default print-access-token',
    hostOf: (registry) => (googleHost.test(registry) ? registry : undefined),
    obtain: async () => readToken(await open()),
  });
}

type Identity = Awaited<ReturnType<typeof openIdentity>>;

async function openIdentity(options: GoogleAuthOptions) {
  const { GoogleAuth } = await loadLibrary(
    'google-auth-library',
    () => import('google-auth-library'),
  );
  return new GoogleAuth({ scopes: [defaultScope], ...options }).getClient();
}

async function readToken(identity: Identity): Promise<ExpiringCredential> {
  const { token } = await identity.getAccessToken();
  if (!token) throw new OciError('PROTOCOL', 'Google answered without a token');
  const credential = { kind: 'password', username: 'oauth2accesstoken', password: token } as const;
  // The library keeps the token itself; without an end it is asked each time.
  return { credential, expiresAt: identity.credentials.expiry_date ?? 0 };
}
