export * from './http-feed.ts';
