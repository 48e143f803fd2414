import { resolvesInternally } from '@oci/client/transport';
import { OciError, type RegistryHost, type RepositoryName, networkHost } from '@oci/spec-types';

/** A repository of a registry. */
export interface PackageRepository {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
}

/** A registry that content of another one names, as a dependency does. */
export interface NamedRegistry {
  readonly named: RegistryHost;
  /** The registry of the content. */
  readonly by: RegistryHost;
}

interface Lead extends NamedRegistry {
  /** Whether the registry of the content has to stay public itself. */
  readonly isPublic: boolean;
}

/**
 * Refuses an internal registry that content of a public one names: its publisher would have this machine
 * ask hosts that he cannot ask himself.
 *
 * @returns whether the named registry has to stay public: its name may resolve otherwise a moment later
 * @throws OciError `POLICY_REFUSED`
 */
export async function refuseLeadInside({ named, by, isPublic }: Lead): Promise<boolean> {
  if (named === by || (!isPublic && (await isInternal(by)))) return false;
  if (!(await isInternal(named))) return true;
  throw new OciError(
    'POLICY_REFUSED',
    `a package of ${by} names the registry ${named}, which is at an internal address`,
    {
      hint: `If that is right, name ${named} in \`registries\`.`,
      reason: { kind: 'registry-internal', registry: named },
    },
  );
}

function isInternal(host: RegistryHost): Promise<boolean> {
  return resolvesInternally(new URL(`https://${networkHost(host)}`));
}
