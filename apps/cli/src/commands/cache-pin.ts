import { OciError, formatReference } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { readRepositoryOrTag } from '../registry/named-artifact.js';

interface PinInput {
  readonly reference: string;
}

export function pin(input: PinInput, invocation: Invocation): Promise<void> {
  return setPin(input, true, invocation);
}

export function unpin(input: PinInput, invocation: Invocation): Promise<void> {
  return setPin(input, false, invocation);
}

async function setPin(input: PinInput, pinned: boolean, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ manager, registries, output }) => {
    const { registry, repository, tag } = readRepositoryOrTag(
      input.reference,
      registries.registryOf,
    );
    if (tag === undefined) {
      throw new OciError('USAGE', `${input.reference} names no version`, {
        hint: 'A reference looks like localhost:5000/kcl/provisioning-core:1.0.0.',
      });
    }
    const key = { registry, repository, tag };
    const { pins, references } = await manager.cache();
    await (pinned ? pins.add(key) : pins.remove(key));
    const isHere = (await references.get(key)) !== undefined;
    const reference = formatReference(key);
    output.print({
      json: { reference, pinned },
      text: `${reference} is ${pinned ? 'kept from being pruned' : 'pruned as others are'}${isHere ? '' : '; it is not in the cache yet'}`,
    });
  });
}
