import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { downloadWorker } from '../../rolldown.shared.js';

export default defineConfig(downloadWorker('../../packages/client'));
