import type { PullJson } from '@oci/manager';
import * as z from 'zod';

import {
  artifactNameSchema,
  extensionNameSchema,
  extensionTypeSchema,
  versionSchema,
} from './identifier-schema.js';

export interface KclPullRequest {
  readonly name: string;
  readonly version: string;
}

export interface ExtensionRequest extends KclPullRequest {
  readonly type: 'provider' | 'taskserv' | 'cluster';
}

/** A pull, and which side the content came from. */
export interface ServedPullJson extends PullJson {
  /** `cache`, or the host of the registry. */
  readonly source: string;
}

export const kclPullRequestSchema: z.ZodType<KclPullRequest> = z.strictObject({
  name: artifactNameSchema,
  version: versionSchema,
});

export const extensionRequestSchema: z.ZodType<ExtensionRequest> = z.strictObject({
  type: extensionTypeSchema,
  name: extensionNameSchema,
  version: versionSchema,
});

export const servedPullJsonSchema: z.ZodType<ServedPullJson> = z.object({
  path: z.string(),
  reference: z.string(),
  digest: z.string(),
  manifest_digest: z.string(),
  content_digest: z.string(),
  size: z.int().nonnegative(),
  media_type: z.string(),
  from_cache: z.boolean(),
  source: z.string(),
});
