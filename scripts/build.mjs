// npm run build: dist/ from src/, unless it is up to date. With --check it builds nothing; exit status 1 says that it should.
import { isBuilt, setup } from './setup.mjs';

if (process.argv.includes('--check')) process.exitCode = isBuilt() ? 0 : 1;
else setup();
