import { type Digest, OciError, type Platform, type Tag } from '@oci/spec-types';
import { isObject } from '@oci/spec-types/schemas';
import { quoted } from '@oci/spec-types/text';

import {
  type Kinds,
  amount,
  anything,
  callback,
  checkOptions,
  count,
  flag,
  group,
  oneOf,
  text,
  texts,
  wholeUpTo,
} from '../option-check.js';
import { callKinds } from '../repository/call-check.js';
import { isReadable, isWritable } from './copy-ends.js';
import type { CopyOptions, CopySource, CopyTarget } from './copy-options.js';
import type { GraphLimits } from './graph.js';
import { parsePlatform } from './platform-choice.js';

/** A place by its names as they are in it: of a layout they may be other names than tags. */
export interface Source extends CopySource {
  readonly reference: Tag | Digest;
}
export interface Target extends CopyTarget {
  readonly tags?: readonly Tag[] | undefined;
}

export interface CheckedCopyOptions extends CopyOptions {
  readonly platform: Platform | undefined;
  readonly platforms: readonly Platform[] | undefined;
  readonly concurrency: number;
}

/** What `openSource` and `openTarget` return can be ended, too. */
const endings = { close: callback, finish: callback };
const target: Kinds<CopyTarget> = {
  repository: ['a repository to write to', isWritable],
  tags: texts,
  ...endings,
};
const source: Kinds<CopySource> = {
  repository: ['a repository to read from', isReadable],
  reference: text,
  ...endings,
};

/** The options of each copy. */
export const copyKinds: Kinds<CopyOptions> = {
  ...callKinds,
  platform: anything,
  platforms: ['a list', Array.isArray],
  referrers: ['true, false or ignore', (value) => typeof value === 'boolean' || value === 'ignore'],
  foreignLayers: oneOf('copy', 'leave'),
  concurrency: wholeUpTo(64),
  attempts: count,
  verify: flag,
  limits: group<GraphLimits>({
    manifests: amount,
    manifestBytes: amount,
    blobs: amount,
    depth: amount,
  }),
};

/** @throws OciError `USAGE` */
export function checkSource(given: CopySource): Source {
  if (!isObject(given) || given.repository === undefined || given.reference === undefined)
    throw new OciError('USAGE', 'a copy has a source', {
      hint: 'Give { repository, reference }, the reference a tag or a digest.',
    });
  checkOptions(given, source, 'source.');
  return given as CopySource as Source;
}

/** @throws OciError `USAGE` */
export function checkTarget(given: CopyTarget): Target {
  if (!isObject(given) || given.repository === undefined)
    throw new OciError('USAGE', 'a copy has a target', { hint: 'Give { repository, tags }.' });
  checkOptions(given, target, 'target.');
  return given as CopyTarget as Target;
}

/** @throws OciError `USAGE` */
export function checkCopyOptions(given: CopyOptions): CheckedCopyOptions {
  checkOptions(given, copyKinds);
  return parsedOptions(given);
}

/** Parses the platforms of options, and has their defaults. @throws OciError `USAGE` */
export function parsedOptions<O extends CopyOptions>(given: O): O & CheckedCopyOptions {
  const { platform, platforms, concurrency = 16 } = given;
  return {
    ...given,
    platform: platform === undefined ? undefined : platformOf(platform),
    platforms: platforms?.map(platformOf),
    concurrency,
  };
}

function platformOf(given: Platform | string): Platform {
  if (typeof given === 'string') return parsePlatform(given);
  const { os, architecture } = Object(given) as Partial<Platform>;
  if (typeof os === 'string' && typeof architecture === 'string') return given;
  throw new OciError('USAGE', `${quoted(given)} is not a platform`, {
    hint: "A platform is text, 'linux/arm64', or { os, architecture, variant }.",
  });
}
