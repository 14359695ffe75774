export * from './trace-export.ts';
