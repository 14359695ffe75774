export { bucketOf } from './check-in/check-in.route.ts';
export { Knowledge } from './knowledge/knowledge.ts';
export { OrchestratorModule } from './orchestrator.module.ts';
export { folds } from './own-streams.fold.ts';
export { orchestratorPublications } from './publications.ts';
export { type OwnCommand } from './situation.ts';
export { type Sources } from './sources.ts';
export { Steering } from './steering.ts';
export { Views } from './views.ts';
