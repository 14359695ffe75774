export * from './patch-content.ts';
export * from './patch.ts';
export * from './pull.ts';
export * from './re-exposure.ts';
export * from './supersession.ts';
export * from './access.ts';
