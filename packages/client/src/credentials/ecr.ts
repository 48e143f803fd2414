import type { ECRClientConfig } from '@aws-sdk/client-ecr';
import { OciError } from '@oci/spec-types';

import { cloudSource, loadLibrary } from './cloud-source.js';
import type { CredentialSource } from './credential.js';
import type { ExpiringCredential } from './expiring-credentials.js';

export interface EcrOptions {
  /**
   * Options of the AWS clients. Default: the identity that the SDK finds (environment, files, SSO, role).
   * The region is that of the registry.
   */
  readonly client?: Omit<ECRClientConfig, 'region' | 'useFipsEndpoint'> | undefined;
}

interface PrivateHost {
  readonly region: string;
  readonly isFips: boolean;
}

/** `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, also with `-fips`, dual-stack, and of the other partitions. */
const privateHost =
  /^\d{12}\.dkr[.-]ecr(-fips)?\.([a-z\d-]+)\.(?:amazonaws\.(?:com|com\.cn|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;
const publicHosts = new Set(['public.ecr.aws', 'ecr-public.aws.com']);
/** The API of public registries is in this region only. */
const publicRegion = 'us-east-1';

/**
 * Credentials of Amazon ECR, private and public, by `@aws-sdk/client-ecr` or `@aws-sdk/client-ecr-public`,
 * which have to be installed. Nothing for other hosts.
 *
 * @throws OciError (the source) `USAGE` without the library, `UNAUTHORIZED` when AWS gives no token
 */
export function ecrCredentials({ client = {} }: EcrOptions = {}): CredentialSource {
  return cloudSource<PrivateHost | 'public'>({
    name: 'Amazon ECR',
    hint: 'Is there an AWS identity? Try: aws sts get-caller-identity',
    hostOf: ecrHost,
    obtain: async (host, signal) =>
      host === 'public'
        ? readToken(await publicToken(client, signal))
        : readToken(await privateToken(client, host, signal)),
  });
}

function ecrHost(registry: string): PrivateHost | 'public' | undefined {
  if (publicHosts.has(registry)) return 'public';
  const [, fips, region] = privateHost.exec(registry) ?? [];
  return region === undefined ? undefined : { region, isFips: fips !== undefined };
}

interface Answer {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

async function privateToken(
  client: EcrOptions['client'],
  { region, isFips }: PrivateHost,
  abortSignal: AbortSignal,
): Promise<Answer | undefined> {
  const { ECRClient, GetAuthorizationTokenCommand } = await loadLibrary(
    '@aws-sdk/client-ecr',
    () => import('@aws-sdk/client-ecr'),
  );
  const ecr = new ECRClient({ ...client, region, useFipsEndpoint: isFips });
  try {
    const answer = await ecr.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return answer.authorizationData?.[0];
  } finally {
    ecr.destroy();
  }
}

async function publicToken(
  client: EcrOptions['client'],
  abortSignal: AbortSignal,
): Promise<Answer | undefined> {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await loadLibrary(
    '@aws-sdk/client-ecr-public',
    () => import('@aws-sdk/client-ecr-public'),
  );
  const ecr = new ECRPUBLICClient({ ...client, region: publicRegion });
  try {
    const answer = await ecr.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return answer.authorizationData;
  } finally {
    ecr.destroy();
  }
}

/** A token is `AWS:PASSWORD` in base64. */
function readToken({ authorizationToken = '', expiresAt }: Answer = {}): ExpiringCredential {
  const [username, password] = Buffer.from(authorizationToken, 'base64').toString().split(':');
  if (!username || !password) throw new OciError('PROTOCOL', 'AWS answered without a token');
  const credential = { kind: 'password', username, password } as const;
  return { credential, expiresAt: expiresAt?.getTime() ?? Date.now() };
}
