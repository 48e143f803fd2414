import type { RepositoryName } from '@oci/spec-types';

/** What is learned of one registry's referrers while it is used; shared by its repositories. */
export class ReferrersKnowledge {
  /** Whether a repository has the referrers API; absent before it was asked. A proxy's may differ. */
  readonly hasApi: Map<RepositoryName, boolean> = new Map();
  /** The last change of each referrers tag, so that those of this process don't race each other. */
  readonly changes: Map<string, Promise<unknown>> = new Map();
}
