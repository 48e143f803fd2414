import { type Platform, isOciError } from '@oci/spec-types';
import { type ArtifactBytes, image, imageIndex } from '@oci/testing';
import { describe, expect, test } from 'vitest';

import { imageFor } from './image-for.js';

const armV6 = { os: 'linux', architecture: 'arm', variant: 'v6' };
const armV7 = { os: 'linux', architecture: 'arm', variant: 'v7' };
const oldWindows = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.17763.1' };
const newWindows = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.20348.1' };

function indexOf(...platforms: readonly (Platform | undefined)[]): ArtifactBytes {
  return imageIndex({
    manifests: platforms.map((platform, at) => ({
      artifact: image({ layers: [{ number: String(at) }] }),
      platform,
    })),
  });
}

/** Says which entry of an index is taken, or the code of the refusal. */
async function chosen(index: ArtifactBytes, platform: Platform | string): Promise<number | string> {
  const known = index.children.map(({ manifest }) => manifest);
  try {
    const found = await imageFor(
      {
        fetchManifest: async ({ digest }) => {
          const child = known.find(({ descriptor }) => descriptor.digest === digest);
          if (!child) throw new Error(`${digest} is not in the index`);
          return child;
        },
      },
      index.manifest,
      { platform },
    );
    return known.findIndex(({ descriptor }) => descriptor.digest === found.descriptor.digest);
  } catch (error) {
    return isOciError(error) ? error.code : String(error);
  }
}

describe('imageFor', () => {
  test.each([
    ['a variant that is asked for', indexOf(armV6, armV7), armV7, 1],
    ['the first of any variant', indexOf(armV6, armV7), 'linux/arm', 0],
    [
      'v8 of 64-bit ARM that names none',
      indexOf({ os: 'linux', architecture: 'arm64' }),
      'linux/arm64/v8',
      0,
    ],
    ['a version of the system', indexOf(oldWindows, newWindows), newWindows, 1],
    ['the only one, which names no platform', indexOf(undefined), 'linux/amd64', 0],
    [
      'none of several that name no platform',
      indexOf(undefined, undefined),
      'linux/amd64',
      'MANIFEST_UNKNOWN',
    ],
    ['not the only one when it is for another', indexOf(armV6), 'linux/amd64', 'MANIFEST_UNKNOWN'],
    ['not another variant', indexOf(armV6), armV7, 'MANIFEST_UNKNOWN'],
    ['nothing of an empty index', indexOf(), 'linux/amd64', 'MANIFEST_UNKNOWN'],
  ])('takes %s', async (_, index, platform, expected) => {
    expect(await chosen(index, platform)).toBe(expected);
  });

  test('an image is taken as it is', async () => {
    const { manifest } = image();
    const fetchManifest = async (): Promise<never> => {
      throw new Error('nothing is to be fetched');
    };
    expect(await imageFor({ fetchManifest }, manifest, { platform: 'plan9/mips' })).toBe(manifest);
  });

  test('an index of indexes is named, with what to do', async () => {
    const inner = imageIndex();
    const { manifest } = imageIndex({ manifests: [{ artifact: inner }] });
    const repository = { fetchManifest: async () => inner.manifest };
    await expect(imageFor(repository, manifest)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(manifest.descriptor.digest),
      hint: 'Name one of its manifests by its digest.',
    });
  });
});
