export * from './patch-content.ts';
export * from './patch.ts';
export * from './supersession.ts';
export * from './access.ts';
