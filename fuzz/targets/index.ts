import type { Target } from '../target.ts';
import { CONNECTION_TARGETS } from './connections.ts';
import { MAPPER_TARGETS } from './endpoint-mapper.ts';
import { LOG_TARGETS } from './logs.ts';
import { PDU_TARGETS } from './pdus.ts';
import { QUERY_TARGETS } from './queries.ts';
import { RECORD_TARGETS } from './records.ts';
import { SECURITY_TARGETS } from './security.ts';
import { STORE_TARGETS } from './stores.ts';
import { STUB_TARGETS } from './stubs.ts';
import { USER_TARGETS } from './users.ts';

/** All decoders: of files, of texts, and of what comes over a network. */
export const TARGETS: readonly Target[] = [
  ...LOG_TARGETS,
  ...QUERY_TARGETS,
  ...STORE_TARGETS,
  ...USER_TARGETS,
  ...PDU_TARGETS,
  ...STUB_TARGETS,
  ...SECURITY_TARGETS,
  ...MAPPER_TARGETS,
  ...RECORD_TARGETS,
  ...CONNECTION_TARGETS,
];
