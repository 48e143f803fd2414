import type { RemoteRepository } from '@oci/client';
import { type Descriptor, OciError, annotations } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { ageText, shortDigest, sizeText } from '../render/quantity.js';
import { type TreeNode, tree } from '../render/tree.js';

interface ReferrersInput {
  readonly reference: string;
  readonly artifactType?: string;
  readonly limit?: number;
}

interface Referrer extends Descriptor {
  readonly referrers: readonly Referrer[];
}

/** Signatures of signatures end somewhere; a registry that says otherwise is not followed. */
const deepest = 8;
/** Without a limit; beyond it, nobody reads the whole. */
const most = 1000;

export async function referrers(input: ReferrersInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ registries, output, progress, signal }) => {
    const { text, repository, tagOrDigest } = registries.artifact(input.reference);
    const subject = await repository.resolve(tagOrDigest, { signal, onEvent: progress });
    const walk = new ReferrerWalk(repository, { signal, limit: input.limit });
    const found = await walk.of(subject, { artifactType: input.artifactType, depth: 0 });
    output.print({
      json: {
        reference: text,
        digest: subject.digest,
        manifest_digest: subject.digest,
        referrers: found.map(jsonOf),
      },
      text: tree({
        label: text,
        note: `${shortDigest(subject.digest)}${found.length === 0 ? ', nothing refers to it' : ''}`,
        children: found.map(nodeOf),
      }),
      brief: found.map(({ digest }) => digest),
    });
  });
}

class ReferrerWalk {
  readonly #repository: RemoteRepository;
  readonly #signal: AbortSignal;
  readonly #limit: number | undefined;
  readonly #seen = new Set<string>();
  #found = 0;

  constructor(
    repository: RemoteRepository,
    { signal, limit }: { readonly signal: AbortSignal; readonly limit: number | undefined },
  ) {
    this.#repository = repository;
    this.#signal = signal;
    this.#limit = limit;
  }

  async of(
    subject: Descriptor,
    { artifactType, depth }: { artifactType?: string | undefined; depth: number },
  ): Promise<readonly Referrer[]> {
    if (depth >= deepest || this.#isFull || this.#seen.has(subject.digest)) return [];
    this.#seen.add(subject.digest);
    const direct: Descriptor[] = [];
    const options = { signal: this.#signal, artifactType };
    for await (const referrer of this.#repository.listReferrers(subject, options)) {
      direct.push(referrer);
      this.#found += 1;
      if (this.#isFull) break;
      if (this.#limit === undefined && this.#found > most) throw tooMany();
    }
    const found: Referrer[] = [];
    for (const referrer of direct)
      found.push({ ...referrer, referrers: await this.of(referrer, { depth: depth + 1 }) });
    return found;
  }

  get #isFull(): boolean {
    return this.#limit !== undefined && this.#found >= this.#limit;
  }
}

function tooMany(): OciError {
  return new OciError('LIMIT_EXCEEDED', `more than ${most} manifests refer to it`, {
    hint: 'Ask for some of them, with --limit N or --artifact-type TYPE.',
  });
}

function nodeOf(referrer: Referrer): TreeNode {
  const { artifactType, mediaType, digest, size } = referrer;
  const created = referrer.annotations?.[annotations.created];
  const age = created === undefined ? '' : `, ${ageText(new Date(created))}`;
  return {
    label: artifactType ?? mediaType,
    note: `${shortDigest(digest)}, ${sizeText(size)}${age}`,
    children: referrer.referrers.map(nodeOf),
  };
}

function jsonOf(referrer: Referrer): object {
  return {
    digest: referrer.digest,
    size: referrer.size,
    media_type: referrer.mediaType,
    artifact_type: referrer.artifactType ?? null,
    annotations: referrer.annotations ?? {},
    referrers: referrer.referrers.map(jsonOf),
  };
}
