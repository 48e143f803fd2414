import { compareVersions } from '@oci/manager';
import { isBookkeepingTag } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';

interface TagsInput {
  readonly repository: string;
  readonly all?: boolean;
  readonly limit?: number;
  readonly pageSize?: number;
}

export async function tags(input: TagsInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ registries, output, progress, signal }) => {
    const { text, repository } = registries.repository(input.repository);
    const found: string[] = [];
    const { limit = Infinity } = input;
    // One page has enough of most; of a larger number the registry knows best.
    const { pageSize = limit <= 1000 ? limit : undefined } = input;
    for await (const tag of repository.listTags({ signal, onEvent: progress, pageSize })) {
      if (input.all || !isBookkeepingTag(tag)) found.push(tag);
      if (found.length >= limit) break;
    }
    found.sort(compareVersions);
    output.print({
      json: { repository: text, tags: found },
      text: found.length === 0 ? `no tags in ${text}` : found,
      brief: found,
    });
  });
}
