import * as z from 'zod';

import { type PullJson, pullJsonSchema } from './artifact-json.js';
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

export const servedPullJsonSchema: z.ZodType<ServedPullJson> = z.intersection(
  pullJsonSchema,
  z.object({ source: z.string() }),
);
