export { type CacheExportOptions, exportLayout } from './export-layout.js';
export { type CacheImportOptions, importLayout } from './import-layout.js';
export type { CacheLayoutOptions } from './layout-copy.js';
export type { CacheLayoutReport, MovedReference } from './layout-report.js';
