import type { Digest } from './digest.js';
import { digestSchema } from './descriptor.js';
import {
  type DocumentSchema,
  flag,
  listOf,
  literal,
  mapOf,
  objectOf,
  optional,
  text,
  validate,
} from './document-schema.js';
import { parseStrictJson } from './strict-json.js';

/** What an image runs and how it was made (image-spec `config.md`). */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly created?: string;
  readonly author?: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly config?: ExecutionConfig;
  readonly history?: readonly ImageHistory[];
}

/** What a container of an image runs with when nothing else is said; fields of other tools are kept. */
export interface ExecutionConfig {
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly User?: string;
  /** Keys are `port`, `port/tcp` or `port/udp`. */
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  /** `NAME=value` each. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Keys are paths. */
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  /** e.g. `SIGTERM`. */
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
}

export interface ImageHistory {
  readonly created?: string;
  readonly author?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

const maybeText = optional(text);
const maybeTexts = optional(listOf(text));
const maybeKeys = optional(mapOf(objectOf<object>({})));

const historySchema: DocumentSchema<ImageHistory> = objectOf({
  created: maybeText,
  author: maybeText,
  created_by: maybeText,
  comment: maybeText,
  empty_layer: optional(flag),
});

const executionSchema: DocumentSchema<ExecutionConfig> = objectOf({
  User: maybeText,
  ExposedPorts: maybeKeys,
  Env: maybeTexts,
  Entrypoint: maybeTexts,
  Cmd: maybeTexts,
  Volumes: maybeKeys,
  WorkingDir: maybeText,
  Labels: optional(mapOf(text)),
  StopSignal: maybeText,
  ArgsEscaped: optional(flag),
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
  config: optional(executionSchema),
  history: optional(listOf(historySchema)),
});

/** @throws OciError `DOCUMENT_INVALID` */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  return validate(imageConfigSchema, parseStrictJson(bytes), 'image config');
}
