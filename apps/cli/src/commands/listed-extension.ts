import type { InventoryEntry } from '@oci/extensions';
import { compareVersions } from '@oci/manager';

/** What is installed, and what the registry has of it. */
export interface ListedExtension extends InventoryEntry {
  /** Undefined when nobody asked; null when the registry has none. */
  readonly latest?: string | null;
}

export function isOutdated({ current, latest }: ListedExtension): boolean {
  return current !== null && latest != null && compareVersions(latest, current) > 0;
}
