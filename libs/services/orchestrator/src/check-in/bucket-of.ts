import { hash } from 'node:crypto';
import { bucketBy } from '@sluice/domain-cohorts';

/** A Buffer of 32 bytes would cost more than the hash itself. */
export const bucketOf = bucketBy((text) => hash('sha256', text, 'binary'));
