export { bucketOf } from './check-in/check-in.route.ts';
export { OrchestratorModule } from './orchestrator.module.ts';
export { folds } from './own-book.ts';
export { orchestratorPublications } from './publications.ts';
