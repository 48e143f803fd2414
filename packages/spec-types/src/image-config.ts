import type { Digest } from './digest.js';
import { digestSchema } from './descriptor.js';
import {
  type DocumentSchema,
  flag,
  listOf,
  literal,
  mapOf,
  nullable,
  objectOf,
  optional,
  text,
  validate,
} from './document-schema.js';
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

const maybeText = optional(nullable(text));
const maybeTexts = optional(nullable(listOf(text)));
const maybeKeys = optional(nullable(mapOf(objectOf<object>({}))));

const historySchema: DocumentSchema<ImageHistory> = objectOf({
  created: maybeText,
  author: maybeText,
  created_by: maybeText,
  comment: maybeText,
  empty_layer: optional(nullable(flag)),
});

const executionSchema: DocumentSchema<Readonly<Record<string, unknown>>> = objectOf({
  User: maybeText,
  ExposedPorts: maybeKeys,
  Env: maybeTexts,
  Entrypoint: maybeTexts,
  Cmd: maybeTexts,
  Volumes: maybeKeys,
  WorkingDir: maybeText,
  Labels: optional(nullable(mapOf(text))),
  StopSignal: maybeText,
  ArgsEscaped: optional(nullable(flag)),
});

export const imageConfigSchema: DocumentSchema<ImageConfig> = objectOf({
  architecture: text,
  os: text,
  rootfs: objectOf<ImageConfig['rootfs']>({
    type: literal('layers'),
    diff_ids: listOf(digestSchema),
  }),
  created: maybeText,
  author: maybeText,
  variant: maybeText,
  'os.version': maybeText,
  'os.features': maybeTexts,
  config: optional(nullable(executionSchema)),
  history: optional(nullable(listOf(historySchema))),
});

/** @throws OciError `DOCUMENT_INVALID` */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  return validate(imageConfigSchema, parseStrictJson(bytes), 'image config');
}
