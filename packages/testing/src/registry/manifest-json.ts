import { textOf } from '../bytes.js';

/** As much of a descriptor as a registry looks at. */
interface LooseDescriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly urls?: readonly string[];
}

/** As much of a manifest as a registry looks at; read apart from the parser that is under test. */
export interface LooseManifest {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: LooseDescriptor;
  readonly layers?: readonly LooseDescriptor[];
  readonly manifests?: readonly LooseDescriptor[];
  readonly subject?: LooseDescriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Undefined when the bytes are not a JSON object. */
export function readManifest(bytes: Uint8Array): LooseManifest | undefined {
  try {
    const value: unknown = JSON.parse(textOf(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
