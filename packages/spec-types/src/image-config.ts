import * as z from 'zod';

import type { Digest } from './digest.js';
import { digestSchema } from './descriptor.js';
import { listOf, mapOf, validate } from './document-schema.js';
import { parseStrictJson } from './strict-json.js';

/** What an image runs and how it was made (image-spec `config.md`); optional fields may be null. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly created?: string | null;
  readonly author?: string | null;
  readonly variant?: string | null;
  readonly 'os.version'?: string | null;
  readonly 'os.features'?: readonly string[] | null;
  readonly config?: Readonly<Record<string, unknown>> | null;
  readonly history?: readonly ImageHistory[] | null;
}

export interface ImageHistory {
  readonly created?: string | null;
  readonly author?: string | null;
  readonly created_by?: string | null;
  readonly comment?: string | null;
  readonly empty_layer?: boolean | null;
}

const text = z.string().nullable().exactOptional();

const historySchema: z.ZodType<ImageHistory> = z.looseObject({
  created: text,
  author: text,
  created_by: text,
  comment: text,
  empty_layer: z.boolean().nullable().exactOptional(),
});

const executionSchema = z.looseObject({
  User: text,
  ExposedPorts: mapOf(z.looseObject({})).nullable().exactOptional(),
  Env: listOf(z.string()).nullable().exactOptional(),
  Entrypoint: listOf(z.string()).nullable().exactOptional(),
  Cmd: listOf(z.string()).nullable().exactOptional(),
  Volumes: mapOf(z.looseObject({})).nullable().exactOptional(),
  WorkingDir: text,
  Labels: mapOf(z.string()).nullable().exactOptional(),
  StopSignal: text,
  ArgsEscaped: z.boolean().nullable().exactOptional(),
});

export const imageConfigSchema: z.ZodType<ImageConfig> = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: listOf(digestSchema) }),
  created: text,
  author: text,
  variant: text,
  'os.version': text,
  'os.features': listOf(z.string()).nullable().exactOptional(),
  config: executionSchema.nullable().exactOptional(),
  history: listOf(historySchema).nullable().exactOptional(),
});

/** @throws OciError `DOCUMENT_INVALID` */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  return validate(imageConfigSchema, parseStrictJson(bytes), 'image config');
}
