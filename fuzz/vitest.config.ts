import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['fuzz/run.test.ts'], silent: false } });
