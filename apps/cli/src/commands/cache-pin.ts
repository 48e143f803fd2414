import { OciError, formatReference, parseReference } from '@oci/spec-types';

import type { Invocation } from '../command/invocation.js';
import { withContext } from '../context.js';

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
  await withContext(invocation, async ({ manager, output }) => {
    const { registry, repository, tag } = parseReference(input.reference);
    if (tag === undefined) {
      throw new OciError('USAGE', `${input.reference} names no version`, {
        hint: 'A reference looks like localhost:5000/kcl/provisioning-core:1.0.0.',
      });
    }
    const key = { registry, repository, tag };
    const { pins } = await manager.cache();
    await (pinned ? pins.add(key) : pins.remove(key));
    const reference = formatReference(key);
    output.print({
      json: { reference, pinned },
      text: `${reference} is ${pinned ? 'kept from being pruned' : 'pruned as others are'}`,
    });
  });
}
