export { nearest } from './nearest.js';
export { type PathFault, foldedPath, pathComponents, pathFault } from './portable-path.js';
export { escapeHidden, hasHiddenCharacter, printable, printableJson, quoted } from './printable.js';
export { redact } from './redact.js';
