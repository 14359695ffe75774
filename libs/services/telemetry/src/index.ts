export { folds } from './fleet/fleet-folds.ts';
export { telemetryPublications } from './publications.ts';
export { telemetrySettings } from './settings.ts';
export { TelemetryModule } from './telemetry.module.ts';
