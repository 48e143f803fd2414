import type { TokenCredential } from '@azure/identity';
import { OciError, onceDone, parseRegistryHost } from '@oci/spec-types';

import { connect } from '../connection.js';
import type { RegistryOptions } from '../registry-options.js';
import { defaultLimits, readBody } from '../transport/bounded-body.js';
import type { RegistryRequest } from '../transport/exchange.js';
import { expectStatus } from '../transport/response-failure.js';
import { defaultRetryPolicy } from '../transport/retry-policy.js';
import { cloudSource, loadLibrary } from './cloud-source.js';
import type { CredentialSource } from './credential.js';
import type { ExpiringCredential } from './expiring-credentials.js';

export interface AzureOptions {
  /** Default: `DefaultAzureCredential` (environment, workload and managed identity, Azure CLI). */
  readonly identity?: TokenCredential | undefined;
  /** Scope of the token of Entra ID. Default `https://containerregistry.azure.net/.default`. */
  readonly scope?: string | undefined;
  /** How the registry is reached for the exchange of tokens. */
  readonly connection?: Omit<RegistryOptions, 'url' | 'credentials'> | undefined;
}

/** A registry, or its regional endpoint, of each of the three clouds. */
const azureHost = /^[a-z\d-]+(?:\.[a-z\d]+\.geo)?\.azurecr\.(?:io|cn|us)$/;
const defaultScope = 'https://containerregistry.azure.net/.default';

/**
 * Credentials of Azure Container Registry: a token of Entra ID, by `@azure/identity` (which has to be
 * installed unless an `identity` is given), exchanged at the registry for its own. Nothing for other hosts.
 *
 * @throws OciError (the source) `USAGE` without the library, `UNAUTHORIZED` when Azure gives no token
 */
export function azureCredentials(options: AzureOptions = {}): CredentialSource {
  const { scope = defaultScope, connection = {} } = options;
  const open = onceDone(async () => options.identity ?? defaultIdentity());
  return cloudSource({
    name: 'Azure Container Registry',
    hint: 'Is there an Azure identity with a role at the registry? Try: az acr login --expose-token',
    hostOf: (registry) => (azureHost.test(registry) ? registry : undefined),
    obtain: async (registry, signal) => {
      const identity = await open();
      const token = await identity.getToken(scope, { abortSignal: signal });
      if (!token) throw new OciError('PROTOCOL', 'Entra ID gave no token');
      return exchange({ registry, accessToken: token.token }, connection, signal);
    },
  });
}

async function defaultIdentity(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await loadLibrary(
    '@azure/identity',
    () => import('@azure/identity'),
  );
  return new DefaultAzureCredential();
}

/** The refresh token of a registry (`grant_type=access_token`), whose end stands in itself. */
async function exchange(
  { registry, accessToken }: { readonly registry: string; readonly accessToken: string },
  options: NonNullable<AzureOptions['connection']>,
  signal: AbortSignal,
): Promise<ExpiringCredential> {
  const limits = { ...defaultLimits, ...options.limits };
  const { origin, bare, close } = connect({
    address: { host: parseRegistryHost(registry), scheme: 'https' },
    host: options,
    transport: options,
    credentials: async () => undefined,
    limits,
    retryPolicy: { ...defaultRetryPolicy, ...options.retry },
  });
  const form = { grant_type: 'access_token', service: registry, access_token: accessToken };
  const request: RegistryRequest = {
    method: 'POST',
    url: new URL('/oauth2/exchange', origin),
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: Buffer.from(new URLSearchParams(form).toString()),
    // As a token: it is not sent on to another host.
    lane: 'token',
    scopes: [],
    signal,
  };
  try {
    const subject = { name: 'a token', missing: 'UNSUPPORTED' } as const;
    const response = await bare(request);
    await expectStatus(response, [200], { request, subject, errorBytes: limits.errorBytes });
    const body = await readBody(response, limits.tokenBytes, request);
    return readRefreshToken(JSON.parse(body.toString('utf8')) as { refresh_token?: unknown });
  } finally {
    await close();
  }
}

function readRefreshToken({
  refresh_token: token,
}: {
  readonly refresh_token?: unknown;
}): ExpiringCredential {
  if (typeof token !== 'string' || token === '')
    throw new OciError('PROTOCOL', 'the registry answered without a refresh token');
  return { credential: { kind: 'refresh', token }, expiresAt: endOf(token) };
}

/** `exp` of a JWT, in milliseconds; 0 for a token that does not tell. */
function endOf(token: string): number {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
