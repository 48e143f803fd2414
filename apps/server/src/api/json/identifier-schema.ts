import { repositoryNameGrammar } from '@oci/spec-types';
import * as z from 'zod';

/** Identifiers as a request names them, with their grammar, so that a document of the API shows it. */
export const repositorySchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(255)
  .regex(repositoryNameGrammar)
  .meta({ description: 'A repository name, e.g. `kcl/provisioning-core`.' });

/** A namespace is the first components of repository names. */
export const namespaceSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(255)
  .regex(repositoryNameGrammar)
  .meta({ description: 'The first components of repository names, e.g. `kcl`.' });

/** The name of a KCL package. */
export const artifactNameSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(128)
  .regex(repositoryNameGrammar)
  .meta({ description: 'The name of a package, e.g. `provisioning-core`.' });

/** The name of an extension: one component, for a directory of its own. */
export const extensionNameSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/)
  .meta({ description: 'The name of an extension, e.g. `kubernetes`.' });

/** A version, or a moving tag; `+` is `_` in the tag. */
export const versionSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[a-zA-Z0-9_][a-zA-Z0-9._+-]*$/)
  .meta({ description: 'A version, e.g. `1.28.0`.' });

export const digestSchema: z.ZodType<string> = z
  .string()
  .max(200)
  .regex(/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/)
  .meta({ description: 'A digest, e.g. `sha256:` and 64 hexadecimal digits.' });

export const extensionTypeSchema: z.ZodType<'provider' | 'taskserv' | 'cluster'> = z.enum([
  'provider',
  'taskserv',
  'cluster',
]);
