export { bucketOf } from './check-in/check-in.route.ts';
export { OrchestratorModule } from './orchestrator.module.ts';
export { folds } from './own-streams.fold.ts';
export { orchestratorPublications } from './publications.ts';
