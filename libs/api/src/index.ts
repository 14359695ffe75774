export * from './feed.ts';
export * from './fields.ts';
export * from './paging.ts';
